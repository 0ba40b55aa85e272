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
            attention.queryScale = blocks.gemmaQueryScale(largestLayerCount: 46)
            if isWindowed[layer] {
                attention.visibility = .window(window)
                attention.rotary = localRotary
            }
            plan.layers.append(try blocks.sandwich(attention, layer: layer))
        }
        return plan
    }
}
