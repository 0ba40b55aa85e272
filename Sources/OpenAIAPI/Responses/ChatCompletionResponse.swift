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

    /// A writer for one answer.
    package init(identity: ResponseIdentity, showsLogprobs: Bool) {
        self.identity = identity
        self.showsLogprobs = showsLogprobs
    }

    /// One finished choice of a whole answer.
    package static func choice(
        index: Int,
        text: String,
        tokens: [TokenLogprob]?,
        finishReason: FinishReason
    ) -> JSONValue {
        [
            "index": .integer(index),
            "message": ["role": "assistant", "content": .string(text), "refusal": nil],
            "logprobs": tokens.map { logprobs($0) } ?? nil,
            "finish_reason": .string(finishReason.wireName),
        ]
    }

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

    /// The last chunk of a choice.
    package func finishChunk(index: Int, reason: FinishReason) -> JSONValue {
        chunk(index: index, delta: [:], finishReason: .string(reason.wireName))
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
        }
    }
}
