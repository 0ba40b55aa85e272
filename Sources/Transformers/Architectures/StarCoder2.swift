import Kernels

/// StarCoder 2 and the Granite code models on its frame: layer norms, a plain feed-forward, biases
/// everywhere.
enum StarCoder2: Architecture {
    static let name = "starcoder2"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            plan.layers.append(
                ModelPlan.Layer(
                    attention: try blocks.attention(layer: layer),
                    feedForward: try blocks.plainFeedForward(layer: layer, activation: .geluTanh)
                )
            )
        }
        return plan
    }
}
