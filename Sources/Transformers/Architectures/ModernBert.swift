import Kernels

/// ModernBERT (gte-modernbert, nomic's modernbert-embed, granite-embedding r2): norms before the branches,
/// windows in two of three layers, which rotate faster, and a gated feed-forward.
enum ModernBert: Architecture {
    static let name = "modern-bert"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        let parameters = file.parameters
        var plan = try blocks.encoderPlan(rotaries: [try blocks.rotary()])
        let windowed = try blocks.addWindowedRotary(to: &plan)
        plan.outputNorm = try blocks.norm("output_norm")
        let window = try parameters.integer("attention.sliding_window", in: 0...(1 << 24)) ?? 0
        let period = try parameters.integer("attention.sliding_window_pattern", in: 1...1024) ?? 3
        let activation = try Self.activation(parameters)
        for layer in blocks.layers {
            // The first layer reads the embedding, which is normalised.
            var attention = try blocks.encoderAttention(layer: layer, hasNorm: layer > 0)
            // The first layer of each period sees everything.
            if window > 0, !layer.isMultiple(of: period) {
                attention.visibility = .within(window / 2)
                attention.rotary = windowed
            }
            let feedForward = try blocks.gatedFeedForward(layer: layer, activation: activation)
            plan.layers.append(ModelPlan.Layer(attention: attention, feedForward: feedForward))
        }
        return plan
    }

    private static func activation(
        _ parameters: HyperParameters
    ) throws(ModelError) -> StepProgram.Activation {
        switch try parameters.string("hidden_activation") {
        case nil, "gelu": return .gelu
        case "silu": return .silu
        case .some(let name):
            throw parameters.invalid("hidden_activation", "'\(name)'", "it is gelu or silu")
        }
    }
}
