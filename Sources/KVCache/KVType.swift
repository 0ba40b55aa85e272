/// How keys and values are stored.
package enum KVType: String, Sendable, Hashable, CaseIterable {
    /// Sixteen bits a number, about as precise as half-precision floats: integers, and a scale to
    /// each token's key and to its value.
    case f16
    /// Signed bytes; each 32 dimensions of a token's key or value share a half-precision scale.
    case q8
    /// Keys as in f16, values as in q8: three quarters of f16.
    ///
    /// For models whose keys have biases (Qwen2): a few dimensions are so much larger than the
    /// others that bytes lose the others. With Qwen2.5-Coder 0.5B `q8` costs 6 % of perplexity,
    /// this type nothing.
    case q8Values = "q8-values"

    /// Bytes of the keys and values of one block, one layer and one key/value head.
    ///
    /// Always a multiple of 64, so that every part of a block starts on a cache line.
    package func headByteCount(headDimension: Int) -> Int {
        let tokenCount = KVStorage.blockTokenCount
        let scaleByteCount = MemoryLayout<UInt16>.size
        let words = tokenCount * (headDimension * MemoryLayout<Int16>.size + scaleByteCount)
        let bytes = tokenCount * (headDimension + (headDimension + 31) / 32 * scaleByteCount)
        return switch self {
        case .f16: 2 * words
        case .q8: 2 * bytes
        case .q8Values: words + bytes
        }
    }
}
