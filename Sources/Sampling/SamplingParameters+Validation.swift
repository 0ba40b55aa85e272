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
        func check(_ name: String, _ value: Float, _ range: ClosedRange<Float>) -> Violation? {
            if range.contains(value) { return nil }
            return Violation(
                parameter: name,
                message: "\(name) must be between \(range.lowerBound) and \(range.upperBound)"
            )
        }
        func checkCount(_ name: String, _ value: Int) -> Violation? {
            if value >= 0 { return nil }
            return Violation(parameter: name, message: "\(name) must be 0 or more")
        }
        return check("temperature", temperature, 0...100)
            ?? check("top_p", topP, 0...1)
            ?? checkCount("top_k", topK)
            ?? check("min_p", minP, 0...1)
            ?? check("repeat_penalty", repetitionPenalty, 0.01...100)
            ?? check("presence_penalty", presencePenalty, -2...2)
            ?? check("frequency_penalty", frequencyPenalty, -2...2)
            ?? checkCount("repeat_last_n", penaltyWindow)
            ?? logitBiasViolation()
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
