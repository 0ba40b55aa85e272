package import JSON
package import WorkerProtocol

/// Writes the answers of `/v1/completions`: whole, or as the chunks of a stream.
///
/// Chunks and whole answers have one form, OpenAI's `CreateCompletionResponse`.
package struct CompletionResponse: Sendable {
    /// What all chunks share.
    package let identity: ResponseIdentity
    /// Whether the client asked for log-probabilities.
    package let showsLogprobs: Bool

    /// A writer for one answer.
    package init(identity: ResponseIdentity, showsLogprobs: Bool) {
        self.identity = identity
        self.showsLogprobs = showsLogprobs
    }

    /// A whole answer, or a chunk of one when `usage` is nil.
    package func completion(choices: [JSONValue], usage: UsageTotals?) -> JSONValue {
        var object: JSONObject = [
            "id": .string(identity.id),
            "object": "text_completion",
            "created": .integer(identity.created),
            "model": .string(identity.model),
            "system_fingerprint": .string(identity.fingerprint),
            "choices": .array(choices),
        ]
        if let usage { object["usage"] = usage.json }
        return .object(object)
    }

    /// A choice, or what a chunk adds to it.
    ///
    /// - Parameters:
    ///   - index: Prompt times `n` plus the choice's number.
    ///   - text: The text, or the new part of it.
    ///   - tokens: The log-probabilities of the tokens in it.
    ///   - textOffset: Where the first token begins in the choice's whole text, in Unicode scalars;
    ///     moved on past the tokens.
    ///   - finishReason: Nil while the choice goes on.
    ///   - isWhole: Whether this is a choice of a whole answer, which shows its log-probabilities
    ///     also when there are none.
    /// - Returns: An element of `choices`.
    package func choice(
        index: Int,
        text: String,
        tokens: [TokenLogprob],
        textOffset: inout Int,
        finishReason: FinishReason?,
        isWhole: Bool
    ) -> JSONValue {
        var logprobs: JSONValue = nil
        if showsLogprobs, isWhole || !tokens.isEmpty {
            logprobs = Self.logprobs(tokens, textOffset: &textOffset)
        }
        return [
            "index": .integer(index),
            "text": .string(text),
            "logprobs": logprobs,
            "finish_reason": finishReason.map { .string($0.wireName) } ?? nil,
        ]
    }

    /// The legacy form: four parallel arrays.
    ///
    /// `top_logprobs` maps text to log-probability and holds the chosen token besides the most
    /// likely ones; of equal texts the likelier one stays.
    private static func logprobs(_ tokens: [TokenLogprob], textOffset: inout Int) -> JSONValue {
        var texts: [JSONValue] = []
        var logprobs: [JSONValue] = []
        var tops: [JSONValue] = []
        var offsets: [JSONValue] = []
        for token in tokens {
            let text = legacyText(token.bytes)
            texts.append(.string(text))
            logprobs.append(token.logprob.map { TokenText.logprob($0) } ?? nil)
            offsets.append(.integer(textOffset))
            textOffset += TokenText.scalarCount(token.bytes)
            guard let logprob = token.logprob else {
                tops.append(nil)
                continue
            }
            var top: JSONObject = [:]
            for alternative in token.top {
                let key = legacyText(alternative.bytes)
                if top[key] == nil { top[key] = TokenText.logprob(alternative.logprob) }
            }
            if top[text] == nil { top[text] = TokenText.logprob(logprob) }
            tops.append(.object(top))
        }
        return [
            "tokens": .array(texts),
            "token_logprobs": .array(logprobs),
            "top_logprobs": .array(tops),
            "text_offset": .array(offsets),
        ]
    }

    private static func legacyText(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return "bytes:" + TokenText.shown(bytes)
    }
}
