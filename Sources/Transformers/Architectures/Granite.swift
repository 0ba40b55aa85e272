/// Granite 3 and 4 (dense): llama with scales of embeddings, scores, branches and logits.
enum Granite: Architecture {
    static let name = "granite"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare, pairs: .neighbours)
        let parameters = file.parameters
        var plan = try blocks.plan()
        plan.embedding.scale = Float(try parameters.positive("embedding_scale", default: 1))
        plan.head?.scale = 1 / Float(try parameters.positive("logit_scale", default: 1))
        let residualScale = Float(try parameters.positive("residual_scale", default: 1))
        let queryScale = try parameters.positive("attention.scale")
        // Granite's files switch the rotation off by saying that it was not finetuned.
        let isRotated = try parameters.flag("rope.scaling.finetuned") ?? true
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer)
            if let queryScale { attention.queryScale = Float(queryScale) }
            if !isRotated { attention.rotary = nil }
            var feedForward = try blocks.gatedFeedForward(layer: layer)
            attention.join.scale = residualScale
            feedForward.join.scale = residualScale
            plan.layers.append(ModelPlan.Layer(attention: attention, feedForward: feedForward))
        }
        return plan
    }
}
