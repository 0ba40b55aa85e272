import Glibc
import Kernels
import ModelFiles

/// What encoders are made of: models whose tokens see each other, and that end in hidden states.
extension BlockReader {
    /// A plan without layers and without positions: embedding of tokens and of the first kind of text,
    /// norm of both, and a reranker's head if there is one.
    func encoderPlan(rotaries: [Rotary] = []) throws(ModelError) -> ModelPlan {
        let width = configuration.embeddingLength
        let shape = [width, configuration.vocabularySize]
        var plan = ModelPlan(
            configuration: configuration,
            rotaries: rotaries,
            embedding: ModelPlan.Embedding(table: try file.required("token_embd.weight", shape))
        )
        plan.embedding.norm = try norm("token_embd_norm")
        if let types = file.file.tensor("token_types.weight") {
            // A table of one row may be stated without its second dimension.
            let shape = types.dimensions.count == 1 ? [width] : [width, types.dimensions[1]]
            let table = try file.required(types.name, shape)
            plan.embedding.constant = shape.count == 1 ? table.asRow : table.part(0..<1)
        }
        plan.configuration.isEncoder = true
        plan.pooledHead = try PooledHead.Tensors(classifierOf: file, width: width)
        return plan
    }

    /// Attention of every token to every other one.
    func encoderAttention(
        layer: Int,
        hasNorm: Bool = false
    ) throws(ModelError) -> ModelPlan.Attention {
        var attention = try attention(layer: layer, hasNorm: hasNorm)
        attention.visibility = .everything
        return attention
    }

    /// A layer of BERT's shape: each branch is added to the residual stream, then the sum is normalised.
    func encoderLayer(
        _ layer: Int,
        _ attention: ModelPlan.Attention,
        _ feedForward: ModelPlan.FeedForward
    ) throws(ModelError) -> ModelPlan.Layer {
        var (attention, feedForward) = (attention, feedForward)
        attention.join.norm = try norm("attn_output_norm", layer: layer)
        feedForward.join.norm = try norm("layer_output_norm", layer: layer)
        return ModelPlan.Layer(attention: attention, feedForward: feedForward)
    }

    /// What a unit of distance costs each head (ALiBi of Press and others, 2021): powers of a root of
    /// 2⁻⁸, and for the heads beyond a power of two the odd ones of the next.
    func distanceCosts() -> [Float] {
        let count = configuration.headCount
        let power = 1 << (Int.bitWidth - 1 - count.leadingZeroBitCount)
        return (0..<count).map { head in
            let exponent =
                head < power
                ? -8 * Double(head + 1) / Double(power)
                : -8 * Double(2 * (head - power) + 1) / Double(2 * power)
            return Float(exp2(exponent))
        }
    }
}
