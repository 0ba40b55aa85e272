import Kernels

/// Gemma 1: llama with scaled embeddings and GELU.
enum Gemma: Architecture {
    static let name = "gemma"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try blocks.plan()
        plan.embedding.scale = Float(blocks.configuration.embeddingLength).squareRoot()
        for layer in blocks.layers {
            plan.layers.append(
                ModelPlan.Layer(
                    attention: try blocks.attention(layer: layer),
                    feedForward: try blocks.gatedFeedForward(layer: layer, activation: .geluTanh)
                )
            )
        }
        return plan
    }
}
