package import Grammars
import JSON
package import Sampling

/// What chat and text completions have in common: how to sample, when to stop, how to answer.
package struct GenerationOptions: Sendable, Hashable {
    /// How tokens are chosen; OpenAI's defaults where the request is silent.
    package var sampling: SamplingParameters
    /// The most output tokens; nil means up to the context length.
    package var maximumOutputTokens: Int?
    /// The fewest output tokens before the model may end the output (vLLM's `min_tokens`).
    package var minimumOutputTokens: Int
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
            sampling: try SamplingReader(body: body, limits: limits).parameters(),
            maximumOutputTokens: maximumOutputTokens,
            minimumOutputTokens: try minimumOutputTokens(body, maximumOutputTokens),
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

    private static func minimumOutputTokens(
        _ body: ParameterReader,
        _ maximum: Int?
    ) throws(APIError) -> Int {
        let count = try body.integer("min_tokens", in: 0...Int(Int32.max)) ?? 0
        guard count <= maximum ?? .max else {
            throw .invalidRequest(
                "Invalid 'min_tokens': it is more than the most output tokens, \(maximum ?? 0).",
                parameter: "min_tokens"
            )
        }
        return count
    }

    private static func user(_ body: ParameterReader) throws(APIError) -> String? {
        if let user = try body.string("safety_identifier") { return user }
        return try body.string("user")
    }

    private static func stopStrings(
        _ body: ParameterReader,
        limits: RequestLimits
    ) throws(APIError) -> [String] {
        var strings: [String] = []
        switch body.value("stop") {
        case nil: return []
        case .string(let text): strings = [text]
        case .array:
            strings =
                try body.strings(
                    "stop",
                    maximumCount: limits.maximumStopCount,
                    maximumByteCount: limits.maximumStopByteCount
                ) ?? []
        case let value?:
            throw .invalidType(
                body.path(of: "stop"),
                expected: "a string or an array of strings",
                value: value
            )
        }
        guard strings.allSatisfy({ $0.utf8.count <= limits.maximumStopByteCount }) else {
            throw .invalidRequest(
                "Invalid 'stop': a string is longer than \(limits.maximumStopByteCount) bytes.",
                parameter: body.path(of: "stop"),
                code: "string_above_max_length"
            )
        }
        // An empty string stands before every output; clients send it and mean "none".
        return strings.filter { !$0.isEmpty }
    }
}
