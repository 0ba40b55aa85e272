/// Qwen3 mixtures of experts: Qwen3 with experts.
enum Qwen3Experts: Architecture {
    static let name = "qwen3moe"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            (attention.queryNorm, attention.keyNorm) = try blocks.headNorms(layer: layer)
            let experts = try blocks.experts(layer: layer, normalizes: true)
            plan.layers.append(ModelPlan.Layer(attention: attention, experts: experts))
        }
        return plan
    }
}
