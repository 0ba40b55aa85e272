/// The hyper-parameters of one model, as its file states them.
package struct ModelConfiguration: Sendable, Hashable {
    /// A family of models that share one program.
    package enum Architecture: String, Sendable, CaseIterable {
        /// SmolLM2, Llama 2 and 3, Mistral 7B, TinyLlama, Yi.
        case llama
        /// Qwen2 and Qwen2.5.
        case qwen2
        /// BERT: all-MiniLM, bge, e5, gte and most other encoders.
        case bert

        /// Whether the tokens of a text see each other, so that it is computed whole.
        package var isEncoder: Bool { self == .bert }
    }

    /// How positions turn into rotation angles.
    package struct RotaryEmbedding: Sendable, Hashable {
        /// How many dimensions of a head are rotated; even, at most the head dimension.
        package var dimensionCount: Int
        /// The base of the angles' geometric series.
        package var base: Double
        /// The factor positions are multiplied with: 1, or 1/factor of linear scaling.
        package var positionScale: Double
        /// Whether the file pairs dimensions `(2i, 2i+1)` instead of `(i, i + n/2)`.
        package var pairsNeighbours: Bool
    }

    /// `general.architecture`.
    package var architecture: Architecture
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
    /// F: width of the feed-forward layers.
    package var feedForwardLength: Int
    /// V: number of tokens the output head scores.
    package var vocabularySize: Int
    /// Rotary embedding.
    package var rotary: RotaryEmbedding
    /// The term under the root of the norms.
    package var rmsEpsilon: Float

    /// Layers of the KV cache: an encoder needs the keys and values of one layer at a time.
    package var cacheLayerCount: Int { architecture.isEncoder ? 1 : layerCount }

    /// The most tokens of a batch when sequences have up to `positionCount`: an encoder's whole text.
    package func maximumBatchTokenCount(positionCount: Int) -> Int {
        architecture.isEncoder
            ? max(Transformer.maximumBatchTokenCount, positionCount)
            : Transformer.maximumBatchTokenCount
    }
}
