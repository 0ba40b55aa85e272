import Kernels

/// Nomic's BERT (nomic-embed-text-v1 and v1.5): rotated instead of learned positions, a gated
/// feed-forward, and no biases but those of the norms.
enum NomicBert: Architecture {
    static let name = "nomic-bert"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        var plan = try blocks.encoderPlan(rotaries: [try blocks.rotary()])
        for layer in blocks.layers {
            plan.layers.append(
                try blocks.encoderLayer(
                    layer,
                    try blocks.encoderAttention(layer: layer),
                    try blocks.gatedFeedForward(layer: layer)
                )
            )
        }
        return plan
    }
}
