import Kernels

/// Phi 1, 1.5 and 2: layer norms, attention and a plain feed-forward side by side behind one norm,
/// a rotation of some dimensions only, biases everywhere.
enum Phi2: Architecture {
    static let name = "phi2"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            let attention = try blocks.attention(layer: layer)
            var feedForward = try blocks.plainFeedForward(layer: layer, activation: .geluTanh)
            feedForward.norm = attention.norm
            plan.layers.append(
                ModelPlan.Layer(
                    attention: attention,
                    feedForward: feedForward,
                    isParallel: true
                )
            )
        }
        return plan
    }
}
