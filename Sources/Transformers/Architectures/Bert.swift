import Kernels
import ModelFiles

/// BERT and the encoders on its frame (all-MiniLM, bge, e5, gte): learned positions, layer norms
/// behind each branch, biases everywhere, and tokens that see each other.
enum Bert: Architecture {
    static let name = "bert"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        var plan = try embedding(blocks)
        for layer in blocks.layers {
            var attention = try blocks.attention(layer: layer, hasNorm: false)
            attention.rotary = nil
            attention.visibility = .everything
            attention.join.norm = try blocks.norm("attn_output_norm", layer: layer)
            var feedForward = try blocks.plainFeedForward(layer: layer, activation: .gelu)
            feedForward.join.norm = try blocks.norm("layer_output_norm", layer: layer)
            plan.layers.append(ModelPlan.Layer(attention: attention, feedForward: feedForward))
        }
        plan.pooledHead = try PooledHead.Tensors(file, width: plan.configuration.embeddingLength)
        return plan
    }

    /// Token, position and kind of text; every text is of the first kind.
    private static func embedding(_ blocks: BlockReader) throws(ModelError) -> ModelPlan {
        var configuration = blocks.configuration
        configuration.isEncoder = true
        configuration.learnsPositions = true
        let file = blocks.file
        let width = configuration.embeddingLength
        var plan = ModelPlan(
            configuration: configuration,
            embedding: ModelPlan.Embedding(
                table: try file.required(
                    "token_embd.weight",
                    [width, configuration.vocabularySize]
                ),
                positions: try file.required(
                    "position_embd.weight",
                    [width, configuration.contextLength]
                ),
                norm: try blocks.norm("token_embd_norm")
            )
        )
        if let types = file.file.tensor("token_types.weight") {
            // A table of one row may be stated without its second dimension.
            let shape = types.dimensions.count == 1 ? [width] : [width, types.dimensions[1]]
            let table = try file.required(types.name, shape)
            plan.embedding.constant = shape.count == 1 ? table.asRow : table.part(0..<1)
        }
        return plan
    }
}
