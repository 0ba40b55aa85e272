import Kernels

/// OLMo 2 and 3: norms behind the branches instead of before them, and over all query and all key
/// heads together.
///
/// OLMo 3 has windows in three of four layers, which rotate without scaling.
enum Olmo2: Architecture {
    static let name = "olmo2"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        let configuration = blocks.configuration
        let parameters = file.parameters
        var plan = try blocks.plan()
        let window = try parameters.integer("attention.sliding_window", in: 0...(1 << 24)) ?? 0
        let isWindowed = try parameters.windowedLayers(
            period: 4,
            layerCount: configuration.layerCount
        )
        let base = try parameters.positive("rope.freq_base_swa", default: plan.rotaries[0].base)
        plan.rotaries.append(Rotary(dimensionCount: blocks.rotatedCount, base: base))
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer, hasNorm: false)
            attention.queryNorm = .together(
                try blocks.norm("blk.\(layer).attn_q_norm", width: configuration.queryWidth)
            )
            attention.keyNorm = .together(
                try blocks.norm("blk.\(layer).attn_k_norm", width: configuration.keyWidth)
            )
            if window > 0, isWindowed[layer] {
                attention.visibility = .window(window)
                attention.rotary = 1
            }
            var feedForward = try blocks.gatedFeedForward(layer: layer)
            attention.join.branchNorm = try blocks.norm("post_attention_norm", layer: layer)
            feedForward.join.branchNorm = try blocks.norm("post_ffw_norm", layer: layer)
            plan.layers.append(ModelPlan.Layer(attention: attention, feedForward: feedForward))
        }
        return plan
    }
}
