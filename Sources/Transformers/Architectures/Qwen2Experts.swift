/// Qwen1.5 and Qwen2 mixtures of experts: Qwen2 with experts whose weights stay shares of all
/// experts' softmax, and one that every row passes.
enum Qwen2Experts: Architecture {
    static let name = "qwen2moe"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            let attention = try blocks.attention(layer: layer)
            try blocks.requireBiases(attention, layer: layer)
            var experts = try blocks.experts(layer: layer, normalizes: false)
            experts.shared = try blocks.sharedExpert(layer: layer)
            plan.layers.append(ModelPlan.Layer(attention: attention, experts: experts))
        }
        return plan
    }
}
