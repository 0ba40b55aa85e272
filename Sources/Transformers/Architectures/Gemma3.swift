import Kernels

/// Gemma 3 (text): Gemma 2 with norms of query and key heads instead of soft caps, five windowed
/// layers to a full one, and a slower rotation in the full ones.
enum Gemma3: Architecture {
    static let name = "gemma3"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        try plan(BlockReader(file, norms: .rootMeanSquare))
    }

    /// The plan of its blocks, which those of its embedder are too.
    static func plan(_ blocks: BlockReader) throws(ModelError) -> ModelPlan {
        let configuration = blocks.configuration
        let parameters = blocks.parameters
        var plan = try blocks.plan()
        plan.embedding.scale = Float(configuration.embeddingLength).squareRoot()
        plan.head?.cap = try parameters.positive("final_logit_softcapping").map { Float($0) }
        let window = try parameters.integer("attention.sliding_window", in: 0...(1 << 24)) ?? 0
        let isWindowed = try parameters.windowedLayers(
            period: 6,
            layerCount: configuration.layerCount
        )
        // Windowed layers do not share the base and the scaling of the full ones.
        plan.rotaries.append(
            Rotary(
                dimensionCount: blocks.rotatedCount,
                base: try parameters.positive("rope.freq_base_swa", default: 10_000)
            )
        )
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            (attention.queryNorm, attention.keyNorm) = try blocks.headNorms(layer: layer)
            attention.queryScale = blocks.gemmaQueryScale(largestLayerCount: 62)
            if window > 0, isWindowed[layer] {
                attention.visibility = .window(window)
                attention.rotary = 1
            }
            plan.layers.append(try blocks.sandwich(attention, layer: layer))
        }
        return plan
    }
}
