import KVCache
import Kernels

/// The hyper-parameters of one model that all architectures have.
package struct ModelConfiguration: Sendable, Hashable {
    /// `general.architecture`.
    package var architecture: String
    /// `general.name`, or the architecture's name.
    package var name: String
    /// The longest sequence the model was trained on, in tokens.
    package var contextLength: Int
    /// E: the width of the residual stream.
    package var embeddingLength: Int
    /// L: the number of layers.
    package var layerCount: Int
    /// H: query heads of a layer.
    package var headCount: Int
    /// K: key/value heads of a layer; divides `headCount`.
    package var keyValueHeadCount: Int
    /// D: dimensions of a head.
    package var headDimension: Int
    /// F: the width between the products of the feed-forward layers.
    package var feedForwardLength: Int
    /// V: number of tokens the output head scores.
    package var vocabularySize: Int
    /// The term under the root of the norms.
    package var normEpsilon: Float
    /// Whether keys have biases, as Qwen2's: such keys don't survive being stored as bytes.
    package var hasKeyBiases = false

    /// Whether the tokens of a text see each other, so that it is computed whole.
    package var isEncoder = false
    /// Whether positions have rows in a table, which ends where training did.
    var learnsPositions = false

    /// Layers of the KV cache: an encoder needs the keys and values of two layers at a time, and room
    /// behind them for the rows of paused texts.
    package var cacheLayerCount: Int {
        guard isEncoder else { return layerCount }
        let rowByteCount = StepProgram.pausedRowByteCount(
            embeddingLength: embeddingLength,
            queryWidth: queryWidth
        )
        let layerByteCount = KVStorage.blockByteCount(
            layerCount: 1,
            keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension
        )
        let rows = KVStorage.blockTokenCount * rowByteCount
        return StepProgram.pausableCacheLayerCount + (rows + layerByteCount - 1) / layerByteCount
    }

    /// The most positions of a sequence if so many are wished for; nil is what the model was trained on.
    func positionCount(_ wish: Int?) -> Int {
        let count = wish ?? contextLength
        precondition(count > 0, "the context length is positive")
        return learnsPositions ? min(count, contextLength) : count
    }

    /// H D.
    var queryWidth: Int { headCount * headDimension }
    /// K D.
    var keyWidth: Int { keyValueHeadCount * headDimension }
}
