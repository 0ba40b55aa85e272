import Kernels

/// gpt-oss: experts with biases and a clamped gate, attention sinks, windows in every other layer,
/// YaRN with bounds that are not rounded.
enum GptOSS: Architecture {
    static let name = "gpt-oss"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        let configuration = blocks.configuration
        let parameters = file.parameters
        var plan = try blocks.plan()
        if case .yarn(var yarn) = plan.rotaries[0].scaling {
            // The files do not say it, but all models of this architecture do so.
            yarn.roundsBounds = false
            plan.rotaries[0].scaling = .yarn(yarn)
        }
        let window = try parameters.required("attention.sliding_window", in: 1...(1 << 24))
        let isWindowed = try parameters.windowedLayers(
            period: 2,
            layerCount: configuration.layerCount
        )
        let windowedRotary = try blocks.addWindowedRotary(to: &plan)
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            attention.sinks = try file.required(
                "blk.\(layer).attn_sinks.weight",
                [configuration.headCount]
            )
            if isWindowed[layer] {
                attention.visibility = .window(window)
                attention.rotary = windowedRotary
            }
            let experts = try blocks.experts(
                layer: layer,
                norm: "post_attention_norm",
                normalizes: true,
                activation: .clamped
            )
            plan.layers.append(ModelPlan.Layer(attention: attention, experts: experts))
        }
        return plan
    }
}
