/// SmolLM2, Llama 1 to 3.3, Mistral 7B, TinyLlama, Yi, and everything derived from them: RMS norms,
/// grouped-query attention, SwiGLU.
///
/// With experts in place of the feed-forward: Mixtral.
enum Llama: Architecture {
    static let name = "llama"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare, pairs: .neighbours)
        let hasExperts = try blocks.expertCount() > 0
        var plan = try blocks.plan()
        for layer in blocks.layers {
            let attention = try blocks.attention(layer: layer)
            if hasExperts {
                let experts = try blocks.experts(layer: layer, normalizes: true)
                plan.layers.append(ModelPlan.Layer(attention: attention, experts: experts))
            } else {
                let feedForward = try blocks.gatedFeedForward(layer: layer)
                plan.layers.append(ModelPlan.Layer(attention: attention, feedForward: feedForward))
            }
        }
        return plan
    }
}
