import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(15))) struct ChatCompletionTests {
    @Test func `answers a chat whole`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat("hello big world")
        #expect(answer.status == 200 && !answer.isStream)
        #expect(answer.headers[first: "content-type"] == "application/json")
        #expect(answer.headers[first: "x-request-id"] == "req_1")
        let timing = try #require(answer.headers[first: "server-timing"])
        #expect(timing.hasPrefix("queue;dur=1.0, load;dur="))
        #expect(timing.contains(", prefill;dur=2.0, decode;dur=3.0, total;dur="))
        let json = try answer.json()
        #expect(json["object"] == "chat.completion" && json["model"] == "good")
        #expect(json["id"]?.stringValue?.hasPrefix("chatcmpl-") == true)
        #expect(
            json["choices"] == [
                [
                    "index": 0,
                    "message": [
                        "role": "assistant", "content": "hello big world", "refusal": nil,
                    ],
                    "logprobs": nil, "finish_reason": "stop",
                ]
            ]
        )
        #expect(json["usage"]?["prompt_tokens"] == 7)
        #expect(json["usage"]?["completion_tokens"] == 3)
        #expect(json["usage"]?["total_tokens"] == 10)
        #expect(json["usage"]?["prompt_tokens_details"]?["cached_tokens"] == 3)
        await fake.service.shutdown()
    }

    @Test func `echoes the model's name as the client wrote it`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat("a", ["model": "Alias/of:Good"])
        #expect(try answer.json()["model"] == "Alias/of:Good")
        await fake.service.shutdown()
    }

    @Test func `hands everything on to the worker`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat(
            "!request",
            [
                "temperature": 0.5, "top_p": 0.25, "top_k": 5, "seed": 42, "max_tokens": 900,
                "stop": "x", "ignore_eos": true, "chat_template_kwargs": ["enable_thinking": false],
                "tools": [["type": "function", "function": ["name": "f"]]],
                "mirostat": 1, "bad header\r\nname": 2,
            ]
        )
        let content = try #require(try answer.json()["choices"]?[0]?["message"]?["content"])
        let seen = try JSONValue.parse(try #require(content.stringValue))
        #expect(seen["temperature"] == 0.5 && seen["top_p"] == 0.25 && seen["top_k"] == 5)
        #expect(seen["seed"] == 42 && seen["max"] == 900 && seen["stop"] == ["x"])
        #expect(seen["ignore_eos"] == true)
        #expect(seen["messages"] == [["role": "user", "content": "!request"]])
        #expect(seen["tools"]?[0]?["function"]?["name"] == "f")
        #expect(seen["arguments"] == ["enable_thinking": false])
        #expect(answer.headers[first: "x-ignored-params"] == "mirostat, bad?header??name")
        await fake.service.shutdown()
    }

    @Test func `answers several choices and log-probabilities`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat("a b", ["n": 2, "logprobs": true, "top_logprobs": 1])
        let choices = try #require(try answer.json()["choices"]?.arrayValue)
        #expect(choices.map { $0["index"] } == [0, 1])
        let content = choices[1]["logprobs"]?["content"]
        #expect(content?[0]?["token"] == "a " && content?[0]?["logprob"] == -0.5)
        #expect(content?[0]?["top_logprobs"]?[0]?["token"] == "a ")
        #expect(try answer.json()["usage"]?["prompt_tokens"] == 7)
        #expect(try answer.json()["usage"]?["completion_tokens"] == 4)
        await fake.service.shutdown()
    }

    @Test func `streams with one id, one role, one chunk per token and one finish reason`()
        async throws
    {
        let fake = try FakeGateway()
        let answer = await fake.chat("hello big world", ["stream": true])
        let chunks = try answer.chunks()
        #expect(Set(chunks.map { $0["id"] }).count == 1)
        #expect(Set(chunks.map { $0["created"] }).count == 1)
        #expect(chunks.allSatisfy { $0["object"] == "chat.completion.chunk" })
        #expect(chunks.allSatisfy { $0["choices"]?.arrayValue?.count == 1 && $0["usage"] == nil })
        let deltas = chunks.map { $0["choices"]?[0]?["delta"] }
        #expect(
            deltas == [
                ["role": "assistant", "content": ""], ["content": "hello "], ["content": "big "],
                ["content": "world"], [:],
            ]
        )
        let reasons = chunks.map { $0["choices"]?[0]?["finish_reason"] }
        #expect(reasons == [.some(nil), .some(nil), .some(nil), .some(nil), "stop"])
        #expect(answer.writes.count >= 5)
        await fake.service.shutdown()
    }

    @Test func `ends a stream with the usage only if it was asked for`() async throws {
        let fake = try FakeGateway()
        let chunks = try await fake.chat(
            "a b",
            ["stream": true, "stream_options": ["include_usage": true], "max_tokens": 1]
        ).chunks()
        #expect(chunks.last?["choices"] == [])
        #expect(chunks.last?["usage"]?["completion_tokens"] == 1)
        #expect(chunks[chunks.count - 2]["choices"]?[0]?["finish_reason"] == "length")
        await fake.service.shutdown()
    }

    @Test func `begins every choice of a stream in order before any text`() async throws {
        let fake = try FakeGateway()
        let chunks = try await fake.chat("a b c", ["stream": true, "n": 3]).chunks()
        #expect(chunks.prefix(3).map { $0["choices"]?[0]?["index"] } == [0, 1, 2])
        #expect(
            chunks.prefix(3).allSatisfy { $0["choices"]?[0]?["delta"]?["role"] == "assistant" }
        )
        for index in 0..<3 {
            let text = chunks.dropFirst(3).filter { $0["choices"]?[0]?["index"] == .integer(index) }
                .compactMap { $0["choices"]?[0]?["delta"]?["content"]?.stringValue }.joined()
            #expect(text == "a b c")
        }
        await fake.service.shutdown()
    }

    @Test func `streams an empty answer as a role and a finish reason`() async throws {
        let fake = try FakeGateway()
        let chunks = try await fake.chat("", ["stream": true]).chunks()
        #expect(chunks.count == 2)
        #expect(chunks[1]["choices"]?[0]?["finish_reason"] == "stop")
        await fake.service.shutdown()
    }

    @Test func `logs a request without its content`() async throws {
        let fake = try FakeGateway()
        _ = await fake.chat("canary words")
        let entry = try #require(fake.logEntries().last)
        #expect(entry.line.contains("route=/v1/chat/completions status=200"))
        #expect(entry.line.contains("model=good prompt_tokens=7 output_tokens=2"))
        #expect(!entry.line.contains("canary"))
        await fake.service.shutdown()
    }
}
