package import JSON
package import WorkerProtocol

/// Writes the answers of `/v1/chat/completions`: whole, or as the chunks of a stream.
///
/// A value without state: the caller keeps what has been said. Every rule of OpenAI's
/// `chat.completion` and `chat.completion.chunk` schemas that clients depend on is kept here.
package struct ChatCompletionResponse: Sendable {
    /// What all chunks share.
    package let identity: ResponseIdentity
    /// Whether the client asked for log-probabilities.
    package let showsLogprobs: Bool
    /// Whether calls are written in OpenAI's deprecated form, `function_call`.
    package let usesFunctions: Bool

    /// A writer for one answer.
    package init(identity: ResponseIdentity, showsLogprobs: Bool, usesFunctions: Bool = false) {
        self.identity = identity
        self.showsLogprobs = showsLogprobs
        self.usesFunctions = usesFunctions
    }

    /// One finished choice of a whole answer.
    package func choice(index: Int, answer: ChatAnswer) -> JSONValue {
        // An answer that is nothing but calls has no content.
        let hasContent = !answer.content.isEmpty || answer.toolCalls.isEmpty
        var message: JSONObject = [
            "role": "assistant",
            "content": hasContent ? .string(answer.content) : nil,
            "refusal": nil,
        ]
        if !answer.reasoning.isEmpty {
            for name in Self.reasoningNames { message[name] = .string(answer.reasoning) }
        }
        if let call = answer.toolCalls.first, usesFunctions {
            message["function_call"] = [
                "name": .string(call.name), "arguments": .string(call.arguments),
            ]
        } else if !answer.toolCalls.isEmpty {
            message["tool_calls"] = .array(
                answer.toolCalls.map { call in
                    [
                        "id": .string(call.id),
                        "type": "function",
                        "function": [
                            "name": .string(call.name), "arguments": .string(call.arguments),
                        ],
                    ]
                }
            )
        }
        return [
            "index": .integer(index),
            "message": .object(message),
            "logprobs": showsLogprobs ? Self.logprobs(answer.tokens) : nil,
            "finish_reason": .string(wireName(answer.finishReason)),
        ]
    }

    /// Clients look for one or the other, depending on the server they were written for.
    private static let reasoningNames = ["reasoning_content", "reasoning"]

    /// The whole answer.
    package func completion(choices: [JSONValue], usage: UsageTotals) -> JSONValue {
        [
            "id": .string(identity.id),
            "object": "chat.completion",
            "created": .integer(identity.created),
            "model": .string(identity.model),
            "choices": .array(choices),
            "usage": usage.json,
            "system_fingerprint": .string(identity.fingerprint),
        ]
    }

    /// The first chunk of a choice, and the only one with a role: SDKs join the strings of all.
    package func roleChunk(index: Int) -> JSONValue {
        chunk(index: index, delta: ["role": "assistant", "content": ""])
    }

    /// A chunk with more text.
    package func contentChunk(index: Int, text: String, tokens: [TokenLogprob]) -> JSONValue {
        chunk(
            index: index,
            delta: ["content": .string(text)],
            logprobs: showsLogprobs ? Self.logprobs(tokens) : nil
        )
    }

    /// A chunk with more reasoning.
    package func reasoningChunk(index: Int, text: String) -> JSONValue {
        let members = Self.reasoningNames.map { ($0, JSONValue.string(text)) }
        return chunk(index: index, delta: .object(JSONObject(members)))
    }

    /// The chunk that begins a call; its id and name are said once, because SDKs join strings.
    package func callChunk(index: Int, call: Int, name: String) -> JSONValue {
        let function: JSONValue = ["name": .string(name), "arguments": ""]
        if usesFunctions { return chunk(index: index, delta: ["function_call": function]) }
        let begun: JSONValue = [
            "index": .integer(call),
            "id": .string(ChatAnswer.newCallID()),
            "type": "function",
            "function": function,
        ]
        return chunk(index: index, delta: ["tool_calls": [begun]])
    }

    /// A chunk with more of a call's arguments.
    package func argumentsChunk(index: Int, call: Int, text: String) -> JSONValue {
        let function: JSONValue = ["arguments": .string(text)]
        if usesFunctions { return chunk(index: index, delta: ["function_call": function]) }
        let more: JSONValue = ["index": .integer(call), "function": function]
        return chunk(index: index, delta: ["tool_calls": [more]])
    }

    /// The last chunk of a choice.
    package func finishChunk(index: Int, reason: FinishReason) -> JSONValue {
        chunk(index: index, delta: [:], finishReason: .string(wireName(reason)))
    }

    private func wireName(_ reason: FinishReason) -> String {
        reason == .toolCalls && usesFunctions ? "function_call" : reason.wireName
    }

    /// The chunk after all choices, sent only if the client asked for the usage.
    package func usageChunk(_ usage: UsageTotals) -> JSONValue {
        chunk(choices: [], usage: usage.json)
    }

    private func chunk(
        index: Int,
        delta: JSONValue,
        logprobs: JSONValue = nil,
        finishReason: JSONValue = nil
    ) -> JSONValue {
        chunk(
            choices: [
                [
                    "index": .integer(index),
                    "delta": delta,
                    "logprobs": logprobs,
                    "finish_reason": finishReason,
                ]
            ],
            usage: nil
        )
    }

    private func chunk(choices: [JSONValue], usage: JSONValue?) -> JSONValue {
        var chunk: JSONObject = [
            "id": .string(identity.id),
            "object": "chat.completion.chunk",
            "created": .integer(identity.created),
            "model": .string(identity.model),
            "system_fingerprint": .string(identity.fingerprint),
            "choices": .array(choices),
        ]
        if let usage { chunk["usage"] = usage }
        return .object(chunk)
    }

    private static func logprobs(_ tokens: [TokenLogprob]) -> JSONValue {
        let content = tokens.map { token -> JSONValue in
            [
                "token": .string(TokenText.shown(token.bytes)),
                "logprob": TokenText.logprob(token.logprob ?? 0),
                "bytes": TokenText.bytes(token.bytes),
                "top_logprobs": .array(
                    token.top.map { alternative in
                        [
                            "token": .string(TokenText.shown(alternative.bytes)),
                            "logprob": TokenText.logprob(alternative.logprob),
                            "bytes": TokenText.bytes(alternative.bytes),
                        ]
                    }
                ),
            ]
        }
        return ["content": .array(content), "refusal": nil]
    }
}

extension FinishReason {
    /// OpenAI's word; a cancelled generation has no reader, so its word does not matter.
    var wireName: String {
        switch self {
        case .stop, .cancelled: "stop"
        case .length: "length"
        case .toolCalls: "tool_calls"
        }
    }
}
