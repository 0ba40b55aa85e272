import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(15))) struct AnswerPartsTests {
    static let tools: JSONObject = [
        "tools": [
            ["type": "function", "function": ["name": "f"]],
            ["type": "function", "function": ["name": "g"]],
        ]
    ]

    @Test func `answers reasoning, text and calls whole`() async throws {
        let fake = try FakeGateway()
        let answer = try await fake.chat("!parts", Self.tools).json()
        let choice = answer["choices"]?[0]
        #expect(choice?["finish_reason"] == "tool_calls" && choice?["logprobs"] == .some(nil))
        let message = choice?["message"]
        #expect(message?["content"] == "Well.")
        #expect(message?["reasoning_content"] == "Let me think.")
        #expect(message?["reasoning"] == "Let me think.")
        let calls = try #require(message?["tool_calls"]?.arrayValue)
        let first: JSONValue = ["name": "f", "arguments": "{\"a\":1}"]
        #expect(calls.count == 2 && calls[0]["function"] == first)
        #expect(calls[1]["function"]?["arguments"] == "{}")
        #expect(answer["usage"]?["completion_tokens_details"]?["reasoning_tokens"] == 4)
        await fake.service.shutdown()
    }

    @Test func `streams the parts as clients join them`() async throws {
        let fake = try FakeGateway()
        var members = Self.tools
        members["stream"] = true
        let chunks = try await fake.chat("!parts", members).chunks()
        let deltas = chunks.compactMap { $0["choices"]?[0]?["delta"]?.objectValue }
        #expect(deltas.count == chunks.count)
        #expect(deltas.first == ["role": "assistant", "content": ""])
        #expect(deltas[1] == ["reasoning_content": "Let me ", "reasoning": "Let me "])
        #expect(deltas[3] == ["content": "Well."])
        let begun = try #require(deltas[4]["tool_calls"]?[0]?.objectValue)
        #expect(begun.keys == ["index", "id", "type", "function"])
        #expect(begun["index"] == 0 && begun["type"] == "function")
        #expect(begun["function"] == ["name": "f", "arguments": ""])
        #expect(begun["id"]?.stringValue?.hasPrefix("call_") == true)
        #expect(deltas[5] == ["tool_calls": [["index": 0, "function": ["arguments": "{\"a\":"]]]])
        #expect(deltas[7]["tool_calls"]?[0]?["index"] == 1)
        #expect(deltas[7]["tool_calls"]?[0]?["id"] != begun["id"])
        #expect(deltas.last == [:])
        let reasons = chunks.map { $0["choices"]?[0]?["finish_reason"] }
        #expect(reasons.dropLast().allSatisfy { $0 == .some(nil) } && reasons.last == "tool_calls")
        await fake.service.shutdown()
    }

    @Test func `streams the deprecated form to who asked in it`() async throws {
        let fake = try FakeGateway()
        let members: JSONObject = [
            "functions": [["name": "f"], ["name": "g"]], "stream": true,
        ]
        let chunks = try await fake.chat("!parts", members).chunks()
        let calls = chunks.compactMap { $0["choices"]?[0]?["delta"]?["function_call"] }
        let expected: [JSONValue] = [
            ["name": "f", "arguments": ""], ["arguments": "{\"a\":"], ["arguments": "1}"],
        ]
        #expect(calls == expected)
        #expect(chunks.last?["choices"]?[0]?["finish_reason"] == "function_call")
        await fake.service.shutdown()
    }

    @Test func `hands the choice of tools and the budget on to the worker`() async throws {
        let fake = try FakeGateway()
        var members = Self.tools
        members["tool_choice"] = "required"
        members["parallel_tool_calls"] = false
        members["reasoning_budget"] = 12
        let answer = try await fake.chat("!request", members).json()
        let content = try #require(answer["choices"]?[0]?["message"]?["content"]?.stringValue)
        let seen = try JSONValue.parse(content)
        #expect(seen["tool_choice"] == "required" && seen["parallel"] == false)
        #expect(seen["budget"] == 12)
        await fake.service.shutdown()
    }
}
