package import JSON
package import WorkerProtocol

/// A checked `POST /v1/completions` request (OpenAI's `CreateCompletionRequest`).
package struct CompletionRequest: Sendable, Hashable {
    /// The model's name as the client wrote it; answers echo it.
    package var model: String
    /// What to continue, at least one; choice k of prompt p has the index p·n + k.
    package var prompts: [Prompt]
    /// How to sample, when to stop, how to answer.
    package var options: GenerationOptions
    /// Answers generated for each prompt, of which the best `n` are returned; at least `n`.
    package var generatedCount: Int
    /// Alternatives per token for `logprobs`, 0...5; nil: no log-probabilities.
    package var topLogprobCount: Int?
    /// Whether each answer begins with its prompt.
    package var echo: Bool
    /// Names of unknown members, in the order of the request, for `x-ignored-params`.
    package var ignoredParameters: [String]

    /// `max_tokens` where the request is silent: OpenAI's documented default of this endpoint.
    package static let defaultOutputTokenCount = 16
    /// The most alternatives that this endpoint's `logprobs` may ask for (OpenAI's limit).
    package static let maximumLogprobCount = 5

    /// Reads and checks a request body.
    ///
    /// - Throws: 400 whose `param` names the first member that is wrong or cannot be honoured.
    package static func parse(
        _ body: JSONValue,
        limits: RequestLimits = RequestLimits()
    ) throws(APIError) -> CompletionRequest {
        let reader = try ParameterReader(body: body)
        let ignored = try fields.check(reader.object)
        let model = try reader.required("model", try reader.string("model"))
        let echo = try reader.bool("echo") ?? false
        let prompts = try prompts(reader, echo: echo)
        // No output at all is useful here: with `echo` and `logprobs` it scores the prompt.
        var options = try GenerationOptions.parse(
            reader,
            outputLimits: ["max_tokens"],
            minimumOutputCount: 0,
            limits: limits
        )
        if options.maximumOutputTokens == nil {
            options.maximumOutputTokens = defaultOutputTokenCount
        }
        let generatedCount = try generatedCount(reader, options, limits: limits)
        guard prompts.count * generatedCount <= limits.maximumGenerationCount else {
            throw .invalidRequest(
                "Invalid 'prompt': prompts times 'n' (or 'best_of') must be at most "
                    + "\(limits.maximumGenerationCount).",
                parameter: "prompt",
                code: "array_above_max_length"
            )
        }
        return CompletionRequest(
            model: model,
            prompts: prompts,
            options: options,
            generatedCount: generatedCount,
            topLogprobCount: try reader.integer("logprobs", in: 0...maximumLogprobCount),
            echo: echo,
            ignoredParameters: ignored
        )
    }

    /// `best_of`, or `n` where the request is silent.
    private static func generatedCount(
        _ reader: ParameterReader,
        _ options: GenerationOptions,
        limits: RequestLimits
    ) throws(APIError) -> Int {
        let range = 1...limits.maximumGeneratedCount
        guard let count = try reader.integer("best_of", in: range) else {
            return options.choiceCount
        }
        guard count >= options.choiceCount else {
            throw .invalidRequest(
                "Invalid 'best_of': it must be at least 'n', which is \(options.choiceCount).",
                parameter: "best_of"
            )
        }
        guard count == options.choiceCount || !options.streams else {
            throw .unsupportedValue(
                "best_of",
                reason: "the best of several answers is known when all have ended, so it cannot be "
                    + "streamed"
            )
        }
        return count
    }

    /// How to choose among the answers; nil if all are returned.
    package var bestChoices: BestChoices? {
        guard generatedCount > options.choiceCount else { return nil }
        return BestChoices(generatedCount: generatedCount, keptCount: options.choiceCount)
    }

    /// The generations, prompt by prompt.
    ///
    /// Answers that are to be compared need their log-probabilities, whether the client sees them or
    /// not.
    package func generations() -> [GenerationRequest] {
        prompts.flatMap { prompt in
            (0..<generatedCount).map { choice in
                options.generation(
                    prompt: prompt,
                    choice: choice,
                    topLogprobCount: topLogprobCount ?? (bestChoices == nil ? nil : 0),
                    echo: echo
                )
            }
        }
    }

    // MARK: Prompt

    /// What to continue, or with a `suffix` the gaps to fill.
    private static func prompts(
        _ reader: ParameterReader,
        echo: Bool
    ) throws(APIError) -> [Prompt] {
        let prompts = try prompts(reader)
        guard let suffix = try reader.string("suffix"), !suffix.isEmpty else { return prompts }
        guard !echo else {
            throw .unsupportedValue("echo", reason: "it cannot be combined with 'suffix'")
        }
        var gaps: [Prompt] = []
        for prompt in prompts {
            guard case .text(let text) = prompt else {
                throw .unsupportedValue("prompt", reason: "with 'suffix' it must be text")
            }
            gaps.append(.gap(before: text, after: suffix))
        }
        return gaps
    }

    /// A string, an array of strings, an array of token ids, or an array of such arrays.
    private static func prompts(_ reader: ParameterReader) throws(APIError) -> [Prompt] {
        guard let value = reader.value("prompt") else { throw .missing("prompt") }
        switch value {
        case .string(let text):
            return [.text(text)]
        case .array(let elements):
            guard let first = elements.first else {
                throw .invalidRequest(
                    "Invalid 'prompt': empty array. Expected an array with minimum length 1.",
                    parameter: "prompt",
                    code: "empty_array"
                )
            }
            if first.intValue != nil {
                return [.tokens(try tokens(elements, path: "prompt", reader))]
            }
            var prompts: [Prompt] = []
            for (index, element) in elements.enumerated() {
                let path = "prompt[\(index)]"
                switch element {
                case .string(let text): prompts.append(.text(text))
                case .array(let ids): prompts.append(.tokens(try tokens(ids, path: path, reader)))
                default:
                    throw .invalidType(
                        path,
                        expected: "a string or an array of token ids",
                        value: element
                    )
                }
            }
            return prompts
        default:
            throw .invalidType("prompt", expected: "a string or an array", value: value)
        }
    }

    private static func tokens(
        _ ids: [JSONValue],
        path: String,
        _ reader: ParameterReader
    ) throws(APIError) -> [Int32] {
        guard !ids.isEmpty else {
            throw .invalidRequest(
                "Invalid '\(path)': it needs at least one token id.",
                parameter: path,
                code: "empty_array"
            )
        }
        return try reader.tokens(ids, path: path)
    }
}
