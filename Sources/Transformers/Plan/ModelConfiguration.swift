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

    /// Layers of the KV cache: an encoder needs the keys and values of one layer at a time.
    package var cacheLayerCount: Int { isEncoder ? 1 : layerCount }

    /// The most tokens of a batch when sequences have up to `positionCount`: an encoder's whole text.
    package func maximumBatchTokenCount(positionCount: Int) -> Int {
        isEncoder
            ? max(Transformer.maximumBatchTokenCount, positionCount)
            : Transformer.maximumBatchTokenCount
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
