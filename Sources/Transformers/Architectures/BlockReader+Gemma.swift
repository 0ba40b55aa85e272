import Kernels

// What Gemma 2 and 3 have in common.
extension BlockReader {
    /// A layer with norms behind both branches, besides those in front of them.
    func sandwich(
        _ attention: ModelPlan.Attention,
        layer: Int
    ) throws(ModelError) -> ModelPlan.Layer {
        var attention = attention
        attention.join.branchNorm = try norm("post_attention_norm", layer: layer)
        var feedForward = try gatedFeedForward(layer: layer, activation: .geluTanh)
        feedForward.join.branchNorm = try norm("post_ffw_norm", layer: layer)
        return ModelPlan.Layer(attention: attention, feedForward: feedForward)
    }

    /// What scores are multiplied by: the largest model of each generation, which only its layers
    /// tell apart, goes by the width of the residual stream.
    func gemmaQueryScale(largestLayerCount: Int) -> Float {
        let width =
            configuration.layerCount == largestLayerCount
            ? configuration.embeddingLength / configuration.headCount
            : configuration.headDimension
        return 1 / Float(width).squareRoot()
    }
}
