import JSON
import Sampling

/// Reads how tokens are chosen from a request.
struct SamplingReader {
    let body: ParameterReader
    let limits: RequestLimits

    /// What a request samples with where it says nothing.
    ///
    /// OpenAI's neutral 1 suits its large models; small quantised ones wander off into nonsense
    /// when the tail of the distribution is drawn from. These are llama-server's values.
    private static let standard = SamplingParameters(
        temperature: 0.8,
        topP: 0.95,
        topK: 40,
        minP: 0.05
    )

    /// Every sampling parameter that the body has, within its range.
    func parameters() throws(APIError) -> SamplingParameters {
        var sampling = Self.standard
        try readFilters(&sampling)
        try readPenalties(&sampling)
        sampling.dry = try dry()
        sampling.logitBias = try logitBias()
        if let seed = try body.integer("seed", in: Int.min...Int.max) {
            sampling.seed = UInt64(bitPattern: Int64(seed))
        }
        return sampling
    }

    private func readFilters(_ sampling: inout SamplingParameters) throws(APIError) {
        if let value = try body.number("temperature", in: 0...2) {
            sampling.temperature = Float(value)
        }
        if let value = try body.number("top_p", in: 0...1) { sampling.topP = Float(value) }
        if let value = try body.integer("top_k", in: -1...Int(Int32.max)) {
            // vLLM's clients write -1 for "off", llama-server's write 0.
            sampling.topK = max(value, 0)
        }
        if let value = try body.number("min_p", in: 0...1) { sampling.minP = Float(value) }
        if let value = try body.number("typical_p", in: 0...1) {
            sampling.typicalP = Float(value)
        }
        if let value = try body.number("xtc_probability", in: 0...1) {
            sampling.xtc.probability = Float(value)
        }
        if let value = try body.number("xtc_threshold", in: 0...1) {
            sampling.xtc.threshold = Float(value)
        }
    }

    private func readPenalties(_ sampling: inout SamplingParameters) throws(APIError) {
        if let value = try body.number("presence_penalty", in: -2...2) {
            sampling.presencePenalty = Float(value)
        }
        if let value = try body.number("frequency_penalty", in: -2...2) {
            sampling.frequencyPenalty = Float(value)
        }
        // Two names for one thing: vLLM's, and llama-server's and Ollama's.
        for name in ["repeat_penalty", "repetition_penalty"] {
            if let value = try body.number(name, in: 0.01...100) {
                sampling.repetitionPenalty = Float(value)
            }
        }
        if let value = try body.integer("repeat_last_n", in: -1...Int(Int32.max)) {
            sampling.penaltyWindow = Self.window(value)
        }
    }

    private func dry() throws(APIError) -> DRYParameters {
        var dry = DRYParameters()
        if let value = try body.number("dry_multiplier", in: 0...100) {
            dry.multiplier = Float(value)
        }
        if let value = try body.number("dry_base", in: 1...100) { dry.base = Float(value) }
        if let value = try body.integer("dry_allowed_length", in: 0...Int(Int32.max)) {
            dry.allowedLength = value
        }
        if let value = try body.integer("dry_penalty_last_n", in: -1...Int(Int32.max)) {
            dry.window = Self.window(value)
        }
        if let texts = try body.strings(
            "dry_sequence_breakers",
            maximumCount: DRYParameters.maximumBreakerCount,
            maximumByteCount: DRYParameters.maximumBreakerByteCount
        ) {
            dry.sequenceBreakers = texts
        }
        return dry
    }

    /// How many tokens to look back; -1 is llama-server's way to say all of them.
    private static func window(_ count: Int) -> Int { count < 0 ? Int(Int32.max) : count }

    /// An object from token ids in strings to numbers between -100 and 100 (OpenAI's form).
    private func logitBias() throws(APIError) -> [Int32: Float] {
        guard let reader = try body.object("logit_bias") else { return [:] }
        guard reader.object.count <= limits.maximumLogitBiasCount else {
            throw .invalidRequest(
                "Invalid 'logit_bias': at most \(limits.maximumLogitBiasCount) entries are allowed.",
                parameter: "logit_bias"
            )
        }
        var biases: [Int32: Float] = [:]
        for key in reader.object.keys {
            guard let token = Int32(key), token >= 0 else {
                throw .invalidRequest(
                    "Invalid 'logit_bias': its keys must be token ids, numbers of 0 or more.",
                    parameter: "logit_bias"
                )
            }
            biases[token] = try reader.number(key, in: -100...100).map { Float($0) }
        }
        return biases
    }
}
