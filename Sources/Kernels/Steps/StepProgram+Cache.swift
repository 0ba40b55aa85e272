import CKernels

extension StepProgram {
    /// How the KV blocks hold keys and values: see `torii_cache_type`.
    package enum CacheFormat: Sendable {
        /// Half-precision floats.
        case halves
        /// Bytes with scales.
        case bytes
        /// Keys as half-precision floats, values as bytes with scales.
        case byteValues

        var cValue: torii_cache_type {
            switch self {
            case .halves: TORII_CACHE_F16
            case .bytes: TORII_CACHE_Q8
            case .byteValues: TORII_CACHE_Q8_VALUES
            }
        }
    }

    /// Bytes of a KV block that one layer takes.
    func layerByteCount(_ format: CacheFormat) -> Int {
        shape.keyValueHeadCount
            * torii_cache_head_bytes(format.cValue, Int32(shape.headDimension))
    }
}
