import Kernels

extension BlockReader {
    /// How many experts a layer has; 0: its feed-forward is dense.
    func expertCount() throws(ModelError) -> Int {
        try parameters.integer("expert_count", in: 0...4096) ?? 0
    }

    /// A mixture of experts: `ffn_gate_inp` chooses among the rows of `ffn_gate_exps`,
    /// `ffn_up_exps` and `ffn_down_exps`.
    ///
    /// - Parameters:
    ///   - layer: The index of the layer.
    ///   - norm: The name of the norm before it.
    ///   - normalizes: Whether the weights of a row's experts sum to one.
    ///   - activation: Between an expert's products.
    /// - Returns: The layer's feed-forward.
    /// - Throws: `ModelError` naming the key or tensor at fault.
    func experts(
        layer: Int,
        norm: String = "ffn_norm",
        normalizes: Bool,
        activation: StepProgram.Activation = .silu
    ) throws(ModelError) -> ModelPlan.Experts {
        let shape = try expertShape(normalizes: normalizes)
        let (width, count) = (configuration.embeddingLength, shape.count)
        let prefix = "blk.\(layer)."
        return ModelPlan.Experts(
            shape: shape,
            norm: try self.norm(norm, layer: layer),
            router: try weight("\(prefix)ffn_gate_inp", width, count),
            gate: try weight("\(prefix)ffn_gate_exps", width, shape.length, count: count),
            up: try weight("\(prefix)ffn_up_exps", width, shape.length, count: count),
            down: try weight("\(prefix)ffn_down_exps", shape.length, width, count: count),
            activation: activation
        )
    }

    /// The expert that every row passes, as far as `ffn_gate_inp_shexp` opens it.
    func sharedExpert(layer: Int) throws(ModelError) -> ModelPlan.SharedExpert {
        let width = configuration.embeddingLength
        let stated = try parameters.integer(
            "expert_shared_feed_forward_length",
            in: 1...(1 << 20)
        )
        let length = stated ?? configuration.feedForwardLength
        let prefix = "blk.\(layer)."
        let opening = try file.required("\(prefix)ffn_gate_inp_shexp.weight", [width])
        return ModelPlan.SharedExpert(
            gate: try weight("\(prefix)ffn_gate_shexp", width, length),
            up: try weight("\(prefix)ffn_up_shexp", width, length),
            down: try weight("\(prefix)ffn_down_shexp", length, width),
            opening: ModelPlan.Weight(matrix: opening.asRow)
        )
    }

    private func expertShape(normalizes: Bool) throws(ModelError) -> StepProgram.ExpertShape {
        let count = try parameters.required("expert_count", in: 1...4096)
        let suffix = "expert_used_count"
        let activeCount = try parameters.required(suffix, in: 1...count)
        guard activeCount <= 64 else {
            throw parameters.invalid(suffix, activeCount, "up to 64 experts at once are supported")
        }
        let stated = try parameters.integer("expert_feed_forward_length", in: 1...(1 << 20))
        let length = stated ?? configuration.feedForwardLength
        let unit = Int(PackedMatrix.stripRowCount)
        guard length.isMultiple(of: unit), configuration.embeddingLength.isMultiple(of: unit) else {
            throw parameters.invalid(
                "expert_feed_forward_length",
                length,
                "experts whose widths are multiples of \(unit) are supported"
            )
        }
        return StepProgram.ExpertShape(
            count: count,
            activeCount: activeCount,
            length: length,
            normalizes: normalizes,
            weightScale: Float(try parameters.positive("expert_weights_scale", default: 1))
        )
    }

    /// The rows of all experts, and their biases.
    private func weight(
        _ name: String,
        _ columns: Int,
        _ rows: Int,
        count: Int
    ) throws(ModelError) -> ModelPlan.Weight {
        ModelPlan.Weight(
            matrix: try file.required("\(name).weight", [columns, rows, count]),
            bias: try file.optional("\(name).bias", [rows, count])
        )
    }
}
