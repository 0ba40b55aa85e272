extension SamplingParameters {
    /// A parameter outside its range: which one, under OpenAI's or llama-server's name, and why.
    package struct Violation: Error, Sendable, Hashable {
        /// The wire name of the parameter, for example `top_p`.
        package let parameter: String
        /// What the client is told: names the range, without a full stop.
        package let message: String
    }

    /// The first parameter outside the range its documentation gives, or nil.
    ///
    /// The gateway refuses such a request with 400 and the parameter's name; the worker checks
    /// again, because a sampler must never meet a NaN temperature.
    package func violation() -> Violation? {
        let ranges: [(String, Float, ClosedRange<Float>)] = [
            ("temperature", temperature, 0...100),
            ("top_p", topP, 0...1),
            ("min_p", minP, 0...1),
            ("typical_p", typicalP, 0...1),
            ("xtc_probability", xtc.probability, 0...1),
            ("xtc_threshold", xtc.threshold, 0...1),
            ("repeat_penalty", repetitionPenalty, 0.01...100),
            ("presence_penalty", presencePenalty, -2...2),
            ("frequency_penalty", frequencyPenalty, -2...2),
            ("dry_multiplier", dry.multiplier, 0...100),
            ("dry_base", dry.base, 1...100),
        ]
        for (name, value, range) in ranges where !range.contains(value) {
            return Violation(
                parameter: name,
                message: "\(name) must be between \(range.lowerBound) and \(range.upperBound)"
            )
        }
        let counts = [
            ("top_k", topK), ("repeat_last_n", penaltyWindow),
            ("dry_allowed_length", dry.allowedLength), ("dry_penalty_last_n", dry.window),
        ]
        for (name, value) in counts where value < 0 {
            return Violation(parameter: name, message: "\(name) must be 0 or more")
        }
        return breakerViolation() ?? logitBiasViolation()
    }

    private func breakerViolation() -> Violation? {
        let breakers = dry.sequenceBreakers
        let isInOrder =
            breakers.count <= DRYParameters.maximumBreakerCount
            && breakers.allSatisfy { $0.utf8.count <= DRYParameters.maximumBreakerByteCount }
        if isInOrder { return nil }
        return Violation(
            parameter: "dry_sequence_breakers",
            message: "dry_sequence_breakers has at most \(DRYParameters.maximumBreakerCount) "
                + "strings of at most \(DRYParameters.maximumBreakerByteCount) bytes"
        )
    }

    private func logitBiasViolation() -> Violation? {
        for (token, bias) in logitBias where token < 0 || !(-100...100).contains(bias) {
            return Violation(
                parameter: "logit_bias",
                message: "logit_bias maps token ids to values between -100 and 100"
            )
        }
        return nil
    }
}
