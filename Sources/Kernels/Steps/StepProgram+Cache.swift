import CKernels

extension StepProgram {
    /// How the KV blocks hold keys and values: see `torii_cache_type`.
    package enum CacheFormat: Sendable {
        /// Integers of 16 bits with scales.
        case words
        /// Bytes with scales.
        case bytes
        /// Keys as integers of 16 bits, values as bytes with scales.
        case byteValues

        var cValue: torii_cache_type {
            switch self {
            case .words: TORII_CACHE_WORDS
            case .bytes: TORII_CACHE_BYTES
            case .byteValues: TORII_CACHE_BYTE_VALUES
            }
        }
    }

    /// Bytes of a KV block that one layer takes.
    func layerByteCount(_ format: CacheFormat) -> Int {
        shape.keyValueHeadCount
            * torii_cache_head_bytes(format.cValue, Int32(shape.headDimension))
    }
}
