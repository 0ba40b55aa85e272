/// Phi 3, 3.5 and 4: llama with fused weights and, for long contexts, LongRoPE.
///
/// Their windows are as wide as their contexts or meant to be ignored; llama.cpp ignores them too.
enum Phi3: Architecture {
    static let name = "phi3"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            plan.layers.append(
                ModelPlan.Layer(
                    attention: try blocks.attention(layer: layer),
                    feedForward: try blocks.gatedFeedForward(layer: layer)
                )
            )
        }
        return plan
    }
}
