/// StableLM and StableLM 2: llama with layer norms and a rotation of some dimensions only.
///
/// Files without `ffn_norm` compute attention and feed-forward side by side.
enum StableLM: Architecture {
    static let name = "stablelm"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        var plan = try blocks.plan()
        for layer in blocks.layers {
            let attention = try blocks.attention(layer: layer)
            var feedForward = try blocks.gatedFeedForward(layer: layer)
            let isParallel = feedForward.norm == nil
            if isParallel { feedForward.norm = attention.norm }
            plan.layers.append(
                ModelPlan.Layer(
                    attention: attention,
                    feedForward: feedForward,
                    isParallel: isParallel
                )
            )
        }
        return plan
    }
}
