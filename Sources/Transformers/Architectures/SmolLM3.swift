/// SmolLM3: llama whose every fourth layer does not rotate.
enum SmolLM3: Architecture {
    static let name = "smollm3"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare, pairs: .neighbours)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            if (layer + 1).isMultiple(of: 4) { attention.rotary = nil }
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
