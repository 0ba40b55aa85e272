package import Grammars
import JSON
package import Sampling

/// What chat and text completions have in common: how to sample, when to stop, how to answer.
package struct GenerationOptions: Sendable, Hashable {
    /// How tokens are chosen; OpenAI's defaults where the request is silent.
    package var sampling: SamplingParameters
    /// The most output tokens; nil means up to the context length.
    package var maximumOutputTokens: Int?
    /// At most four strings before which the output ends, none of them empty.
    package var stopStrings: [String]
    /// Whether end-of-generation tokens are ordinary tokens (vLLM's `ignore_eos`).
    package var ignoresEndOfGeneration: Bool
    /// What each answer must look like; nil: anything.
    package var constraint: GrammarExpression?
    /// Answers per prompt, 1 or more.
    package var choiceCount: Int
    /// Whether the answer comes as server-sent events.
    package var streams: Bool
    /// Whether a stream ends with a chunk that holds the usage.
    package var includesUsage: Bool
    /// The end user as the client names one: OpenAI's `safety_identifier`, or the older `user`.
    package var user: String?
    /// How long the model may be idle afterwards, as the client wrote it: seconds or a duration
    /// (Ollama's `keep_alive`).
    package var keepAlive: String?

    /// Reads the common members of `body`; a refused value throws 400 with its `param`.
    ///
    /// The output limit is in one of the members `outputLimits`, of which the last one that is
    /// there wins; it must be at least `minimumOutputCount`.
    static func parse(
        _ body: ParameterReader,
        outputLimits: [String],
        minimumOutputCount: Int,
        limits: RequestLimits
    ) throws(APIError) -> GenerationOptions {
        let streams = try body.bool("stream") ?? false
        var includesUsage = false
        if let streamOptions = try body.object("stream_options") {
            includesUsage = try streamOptions.bool("include_usage") ?? false
            guard streams else {
                throw .invalidRequest(
                    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                    parameter: "stream_options"
                )
            }
        }
        var maximumOutputTokens: Int?
        for name in outputLimits {
            // Agents send huge limits and mean "as much as fits": the engine clamps to the context.
            if let limit = try body.integer(name, in: minimumOutputCount...Int.max) {
                maximumOutputTokens = min(limit, Int(Int32.max))
            }
        }
        return GenerationOptions(
            sampling: try sampling(body, limits: limits),
            maximumOutputTokens: maximumOutputTokens,
            stopStrings: try stopStrings(body, limits: limits),
            ignoresEndOfGeneration: try body.bool("ignore_eos") ?? false,
            constraint: try OutputConstraint.parse(body),
            choiceCount: try body.integer("n", in: 1...limits.maximumChoiceCount) ?? 1,
            streams: streams,
            includesUsage: includesUsage,
            user: try user(body),
            keepAlive: try body.keepAlive()
        )
    }

    private static func user(_ body: ParameterReader) throws(APIError) -> String? {
        if let user = try body.string("safety_identifier") { return user }
        return try body.string("user")
    }

    private static func stopStrings(
        _ body: ParameterReader,
        limits: RequestLimits
    ) throws(APIError) -> [String] {
        guard let value = body.value("stop") else { return [] }
        let path = body.path(of: "stop")
        var strings: [String] = []
        switch value {
        case .string(let text):
            strings = [text]
        case .array(let elements):
            guard elements.count <= limits.maximumStopCount else {
                throw .invalidRequest(
                    "Invalid 'stop': at most \(limits.maximumStopCount) strings are allowed, "
                        + "but got \(elements.count).",
                    parameter: path,
                    code: "array_above_max_length"
                )
            }
            for (index, element) in elements.enumerated() {
                guard let text = element.stringValue else {
                    throw .invalidType("\(path)[\(index)]", expected: "a string", value: element)
                }
                strings.append(text)
            }
        default:
            throw .invalidType(path, expected: "a string or an array of strings", value: value)
        }
        guard strings.allSatisfy({ $0.utf8.count <= limits.maximumStopByteCount }) else {
            throw .invalidRequest(
                "Invalid 'stop': a string is longer than \(limits.maximumStopByteCount) bytes.",
                parameter: path,
                code: "string_above_max_length"
            )
        }
        // An empty string stands before every output; clients send it and mean "none".
        return strings.filter { !$0.isEmpty }
    }

    /// What a request samples with where it says nothing.
    ///
    /// OpenAI's neutral 1 suits its large models; small quantised ones wander off into nonsense
    /// when the tail of the distribution is drawn from. These are llama-server's values.
    static let defaultSampling = SamplingParameters(
        temperature: 0.8,
        topP: 0.95,
        topK: 40,
        minP: 0.05
    )

    private static func sampling(
        _ body: ParameterReader,
        limits: RequestLimits
    ) throws(APIError) -> SamplingParameters {
        var sampling = defaultSampling
        if let value = try body.number("temperature", in: 0...2) {
            sampling.temperature = Float(value)
        }
        if let value = try body.number("top_p", in: 0...1) { sampling.topP = Float(value) }
        if let value = try body.integer("top_k", in: -1...Int(Int32.max)) {
            // vLLM's clients write -1 for "off", llama-server's write 0.
            sampling.topK = max(value, 0)
        }
        if let value = try body.number("min_p", in: 0...1) { sampling.minP = Float(value) }
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
        if let value = try body.integer("repeat_last_n", in: 0...Int(Int32.max)) {
            sampling.penaltyWindow = value
        }
        sampling.logitBias = try logitBias(body, limits: limits)
        if let seed = try body.integer("seed", in: Int.min...Int.max) {
            sampling.seed = UInt64(bitPattern: Int64(seed))
        }
        return sampling
    }

    /// An object from token ids in strings to numbers between -100 and 100 (OpenAI's form).
    private static func logitBias(
        _ body: ParameterReader,
        limits: RequestLimits
    ) throws(APIError) -> [Int32: Float] {
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
