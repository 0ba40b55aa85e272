/// How keys and values are stored.
package enum KVType: String, Sendable, Hashable, CaseIterable {
    /// Half-precision floats.
    case f16
    /// Signed bytes; each 32 dimensions of a token's key or value share a half-precision scale.
    case q8

    /// Bytes of the keys and values of one block, one layer and one key/value head.
    ///
    /// Always a multiple of 64, so that every part of a block starts on a cache line.
    package func headByteCount(headDimension: Int) -> Int {
        let valueCount = 2 * KVStorage.blockTokenCount * headDimension
        switch self {
        case .f16:
            return valueCount * MemoryLayout<UInt16>.size
        case .q8:
            let scaleCount = 2 * KVStorage.blockTokenCount * ((headDimension + 31) / 32)
            return valueCount + scaleCount * MemoryLayout<UInt16>.size
        }
    }
}
