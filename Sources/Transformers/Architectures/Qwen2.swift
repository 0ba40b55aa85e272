/// Qwen2 and Qwen2.5: llama with biases on queries, keys and values.
enum Qwen2: Architecture {
    static let name = "qwen2"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            let attention = try blocks.attention(layer: layer)
            try blocks.requireBiases(attention, layer: layer)
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
