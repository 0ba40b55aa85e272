import Kernels

/// Gemma 2: besides what Gemma does, norms behind the branches too, windows in every other layer,
/// and soft caps of scores and logits.
enum Gemma2: Architecture {
    static let name = "gemma2"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        let parameters = file.parameters
        var plan = try blocks.plan()
        plan.embedding.scale = Float(blocks.configuration.embeddingLength).squareRoot()
        plan.head?.cap = Float(try parameters.positive("final_logit_softcapping", default: 30))
        let softCap = Float(try parameters.positive("attn_logit_softcapping", default: 50))
        let window = try parameters.integer("attention.sliding_window", in: 1...(1 << 24)) ?? 4096
        let isWindowed = try parameters.windowedLayers(
            period: 2,
            layerCount: blocks.configuration.layerCount
        )
        let localRotary = try blocks.addWindowedRotary(to: &plan)
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            attention.softCap = softCap
            attention.queryScale = queryScale(blocks.configuration)
            if isWindowed[layer] {
                attention.visibility = .window(window)
                attention.rotary = localRotary
            }
            var feedForward = try blocks.gatedFeedForward(layer: layer, activation: .geluTanh)
            attention.join.branchNorm = try blocks.norm("post_attention_norm", layer: layer)
            feedForward.join.branchNorm = try blocks.norm("post_ffw_norm", layer: layer)
            plan.layers.append(ModelPlan.Layer(attention: attention, feedForward: feedForward))
        }
        return plan
    }

    /// The 27B models, which only their layers tell apart, scale by the width of the residual stream.
    private static func queryScale(_ configuration: ModelConfiguration) -> Float {
        let width =
            configuration.layerCount == 46
            ? configuration.embeddingLength / configuration.headCount
            : configuration.headDimension
        return 1 / Float(width).squareRoot()
    }
}
