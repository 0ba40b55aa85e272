import Glibc
import Kernels

extension BlockReader {
    /// The table of `rope.freq_base`, with the scaling that the file states.
    ///
    /// Scalings: none; linear; YaRN; the factors of `rope_freqs.weight` (Llama 3); and those of
    /// `rope_factors_short.weight` and `rope_factors_long.weight` (LongRoPE).
    func rotary() throws(ModelError) -> Rotary {
        var rotary = Rotary(
            dimensionCount: rotatedCount,
            base: try parameters.positive("rope.freq_base", default: 10_000)
        )
        rotary.magnitude = try parameters.positive("rope.scaling.attn_factor", default: 1)
        rotary.factors = try rotaryFactors()
        // `rope.scale_linear` is what old files call the factor.
        let current = try parameters.positive("rope.scaling.factor")
        let old = try parameters.positive("rope.scale_linear")
        let factor = current ?? old ?? 1
        switch try parameters.string("rope.scaling.type") {
        case "none": break
        case nil, "linear": rotary.scaling = .linear(factor: factor)
        case "longrope":
            guard case .byLength = rotary.factors else {
                throw .missingTensor("rope_factors_long.weight")
            }
        case "yarn":
            let yarn = try yarn(factor: factor)
            rotary.scaling = .yarn(yarn)
            rotary.magnitude *= try yarnMagnitude(factor: factor)
        case .some(let other):
            throw parameters.invalid(
                "rope.scaling.type",
                "'\(other)'",
                "linear, yarn and longrope scaling are supported"
            )
        }
        return rotary
    }

    /// The length that the model was trained on before its rotary embedding was scaled.
    func originalContextLength() throws(ModelError) -> Int {
        try parameters.integer("rope.scaling.original_context_length", in: 1...(1 << 24))
            ?? configuration.contextLength
    }

    private func rotaryFactors() throws(ModelError) -> Rotary.Factors {
        let shape = [rotatedCount / 2]
        if let factors = try file.optional("rope_freqs.weight", shape) { return .fixed(factors) }
        let short = try file.optional("rope_factors_short.weight", shape)
        let long = try file.optional("rope_factors_long.weight", shape)
        guard let short, let long else {
            if short != nil { throw .missingTensor("rope_factors_long.weight") }
            if long != nil { throw .missingTensor("rope_factors_short.weight") }
            return .none
        }
        return .byLength(upTo: short, beyond: long, length: try originalContextLength())
    }

    private func yarn(factor: Double) throws(ModelError) -> Rotary.Yarn {
        var yarn = Rotary.Yarn(factor: factor, originalLength: try originalContextLength())
        yarn.fastTurns = try parameters.positive("rope.scaling.yarn_beta_fast", default: 32)
        yarn.slowTurns = try parameters.positive("rope.scaling.yarn_beta_slow", default: 1)
        return yarn
    }

    /// Queries and keys grow by 0.1 ln(factor) + 1, unless the file states otherwise.
    ///
    /// With `yarn_log_multiplier` m the part 0.1 m ln(factor) + 1 is the model's own already.
    private func yarnMagnitude(factor: Double) throws(ModelError) -> Double {
        if let stated = try parameters.positive("rope.scaling.yarn_attn_factor") { return stated }
        let growth = factor > 1 ? log(factor) / 10 : 0
        let own = try parameters.positive("rope.scaling.yarn_log_multiplier", default: 0)
        return (1 + growth) / (1 + own * growth)
    }
}

extension BlockReader {
    /// Adds a rotary table for windowed layers if `rope.freq_base_swa` states another base.
    ///
    /// - Returns: The index of the windowed layers' table.
    func addWindowedRotary(to plan: inout ModelPlan) throws(ModelError) -> Int {
        guard let base = try parameters.positive("rope.freq_base_swa"),
            base != plan.rotaries[0].base
        else { return 0 }
        var rotary = plan.rotaries[0]
        rotary.base = base
        plan.rotaries.append(rotary)
        return plan.rotaries.count - 1
    }
}
