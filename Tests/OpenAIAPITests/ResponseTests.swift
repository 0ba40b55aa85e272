import JSON
import OpenAIAPI
import Testing
import WorkerProtocol

@Suite struct ResponseTests {
    static let tokens = [
        TokenLogprob(
            token: 1,
            bytes: Array("é".utf8),
            logprob: -0.5,
            top: [TokenAlternative(token: 2, bytes: [0xC3], logprob: -0.25)]
        ),
        TokenLogprob(token: 3, bytes: [0xF0, 0x9F], logprob: -.infinity),
        TokenLogprob(token: 4, bytes: [0x98, 0x80], logprob: -1),
    ]

    static func response(showsLogprobs: Bool, usesFunctions: Bool) -> ChatCompletionResponse {
        ChatCompletionResponse(
            identity: ResponseIdentity(prefix: "p-", created: 1, model: "m", fingerprint: "f"),
            showsLogprobs: showsLogprobs,
            usesFunctions: usesFunctions
        )
    }

    /// A whole choice after these events.
    static func choice(
        _ events: [GenerationEvent],
        showsLogprobs: Bool = false,
        usesFunctions: Bool = false
    ) -> JSONValue {
        var answer = ChatAnswer()
        for event in events { answer.receive(event) }
        return response(showsLogprobs: showsLogprobs, usesFunctions: usesFunctions)
            .choice(index: 0, answer: answer)
    }

    static let calls: [GenerationEvent] = [
        .reasoning(text: "Hm"), .reasoning(text: "."),
        .toolCall(index: 0, name: "f"), .toolArguments(index: 0, text: "{\"a\""),
        .toolArguments(index: 0, text: ":1}"),
        .toolCall(index: 1, name: "g"), .toolArguments(index: 1, text: "{}"),
        .finished(.toolCalls, GenerationUsage(promptTokenCount: 1, outputTokenCount: 1)),
    ]

    @Test func `writes calls with arguments in strings and no content`() throws {
        let choice = Self.choice(Self.calls)
        #expect(choice["finish_reason"] == "tool_calls")
        let message = choice["message"]
        #expect(message?["content"] == .some(nil) && message?["role"] == "assistant")
        #expect(message?["reasoning_content"] == "Hm." && message?["reasoning"] == "Hm.")
        let calls = try #require(message?["tool_calls"]?.arrayValue)
        let functions = calls.map { $0["function"] }
        let expected: [JSONValue] = [
            ["name": "f", "arguments": "{\"a\":1}"], ["name": "g", "arguments": "{}"],
        ]
        #expect(functions == expected)
        let ids = calls.compactMap { $0["id"]?.stringValue }
        #expect(Set(ids).count == 2)
        #expect(ids.allSatisfy { $0.hasPrefix("call_") && $0.utf8.count == 29 })
        #expect(calls.allSatisfy { $0["type"] == "function" })
    }

    @Test func `writes the deprecated form where the request used it`() {
        let choice = Self.choice(Self.calls, usesFunctions: true)
        #expect(choice["finish_reason"] == "function_call")
        let expected: JSONValue = ["name": "f", "arguments": "{\"a\":1}"]
        #expect(choice["message"]?["function_call"] == expected)
        #expect(choice["message"]?["tool_calls"] == nil)
    }

    @Test func `makes ids of a prefix and twenty-eight characters`() {
        let first = ResponseIdentity(prefix: "chatcmpl-", created: 1, model: "m", fingerprint: "f")
        let second = ResponseIdentity(prefix: "chatcmpl-", created: 1, model: "m", fingerprint: "f")
        #expect(first.id.hasPrefix("chatcmpl-") && first.id.count == 9 + 28)
        #expect(first.id != second.id)
    }

    @Test func `writes the log-probabilities of a chat without replacement characters`() {
        let choice = Self.choice([.delta(text: "é😀", tokens: Self.tokens)], showsLogprobs: true)
        let content = choice["logprobs"]?["content"]
        #expect(content?[0]?["token"] == "é")
        #expect(content?[0]?["bytes"] == [0xC3, 0xA9])
        #expect(content?[0]?["top_logprobs"]?[0]?["token"] == "\\xc3")
        #expect(content?[1]?["token"] == "\\xf0\\x9f")
        #expect(content?[1]?["logprob"] == -9999.0)
        #expect(content?[1]?["top_logprobs"] == [])
        #expect(choice["logprobs"]?["refusal"] == .some(nil))
    }

    @Test func `keeps the null members that OpenAI's schema requires`() {
        let usage = GenerationUsage(promptTokenCount: 1, outputTokenCount: 1)
        let choice = Self.choice([.finished(.length, usage)])
        #expect(choice["logprobs"] == .some(nil))
        #expect(choice["message"] == ["role": "assistant", "content": "", "refusal": nil])
        #expect(choice["finish_reason"] == "length")
    }

    @Test func `counts text offsets in characters across split sequences`() {
        let response = CompletionResponse(
            identity: ResponseIdentity(prefix: "cmpl-", created: 1, model: "m", fingerprint: "f"),
            showsLogprobs: true
        )
        var offset = 0
        let first = response.choice(
            index: 0,
            text: "é",
            tokens: Array(Self.tokens[..<2]),
            textOffset: &offset,
            finishReason: nil,
            isWhole: false
        )
        let second = response.choice(
            index: 0,
            text: "😀",
            tokens: Array(Self.tokens[2...]),
            textOffset: &offset,
            finishReason: nil,
            isWhole: false
        )
        #expect(first["logprobs"]?["text_offset"] == [0, 1])
        #expect(second["logprobs"]?["text_offset"] == [2])
        #expect(first["logprobs"]?["tokens"] == ["é", "bytes:\\xf0\\x9f"])
        // The chosen token is among the alternatives, also when none were asked for.
        #expect(first["logprobs"]?["top_logprobs"]?[1] == ["bytes:\\xf0\\x9f": -9999.0])
        #expect(second["logprobs"]?["token_logprobs"] == [-1.0])
    }

    @Test func `counts a prompt once however many choices continue it`() {
        var usage = UsageTotals()
        let counts = GenerationUsage(promptTokenCount: 5, cachedTokenCount: 2, outputTokenCount: 3)
        usage.add(counts, prompt: 0)
        usage.add(counts, prompt: 0)
        usage.add(counts, prompt: 1)
        #expect(usage.json["prompt_tokens"] == 10)
        #expect(usage.json["completion_tokens"] == 9)
        #expect(usage.json["total_tokens"] == 19)
        #expect(usage.json["prompt_tokens_details"]?["cached_tokens"] == 4)
    }

    @Test func `writes all four members of an error, strings or null`() {
        let error = APIError(status: 500, kind: .server, message: "m", retryAfter: .seconds(300))
        #expect(
            error.json.serialized()
                == #"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#
        )
        #expect(error.retryAfterSeconds == 60)
    }
}
