import Kernels
import ModelFiles

/// BERT and the encoders on its frame (all-MiniLM, bge, e5, gte): learned positions, layer norms
/// behind each branch, biases everywhere, and tokens that see each other.
enum Bert: Architecture {
    static let name = "bert"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        let configuration = blocks.configuration
        var plan = try blocks.encoderPlan()
        plan.configuration.learnsPositions = true
        plan.embedding.positions = try file.required(
            "position_embd.weight",
            [configuration.embeddingLength, configuration.contextLength]
        )
        for layer in blocks.layers {
            var attention = try blocks.encoderAttention(layer: layer)
            attention.rotary = nil
            let feedForward = try blocks.plainFeedForward(layer: layer, activation: .gelu)
            plan.layers.append(try blocks.encoderLayer(layer, attention, feedForward))
        }
        return plan
    }
}
