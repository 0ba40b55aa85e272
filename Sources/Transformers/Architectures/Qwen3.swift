/// Qwen3: llama with a norm of each query and key head.
enum Qwen3: Architecture {
    static let name = "qwen3"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            (attention.queryNorm, attention.keyNorm) = try blocks.headNorms(layer: layer)
            plan.layers.append(
                ModelPlan.Layer(
                    attention: attention,
                    feedForward: try blocks.gatedFeedForward(layer: layer)
                )
            )
        }
        return plan
    }
}
