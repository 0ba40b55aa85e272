import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(15))) struct CompletionTests {
    @Test func `answers prompts times choices in their order`() async throws {
        let fake = try FakeGateway()
        let json = try await fake.complete(["a", "b"], ["n": 2]).json()
        #expect(json["object"] == "text_completion")
        #expect(json["id"]?.stringValue?.hasPrefix("cmpl-") == true)
        let choices = try #require(json["choices"]?.arrayValue)
        #expect(choices.map { $0["index"] } == [0, 1, 2, 3])
        #expect(choices.map { $0["text"] } == ["a", "a", "b", "b"])
        #expect(choices.allSatisfy { $0["logprobs"] == .some(nil) })
        #expect(json["usage"]?["prompt_tokens"] == 14)
        await fake.service.shutdown()
    }

    @Test func `echoes the prompt with log-probabilities`() async throws {
        let fake = try FakeGateway()
        let json = try await fake.complete("ab c ", ["echo": true, "logprobs": 1]).json()
        let choice = json["choices"]?[0]
        #expect(choice?["text"] == "ab c ab c ")
        #expect(choice?["logprobs"]?["tokens"] == ["ab ", "c ", "ab ", "c "])
        #expect(choice?["logprobs"]?["token_logprobs"] == [nil, -0.5, -0.5, -0.5])
        #expect(choice?["logprobs"]?["text_offset"] == [0, 3, 5, 8])
        #expect(choice?["logprobs"]?["top_logprobs"]?[0] == .some(nil))
        #expect(choice?["logprobs"]?["top_logprobs"]?[1] == ["c ": -0.5])
        await fake.service.shutdown()
    }

    @Test func `streams with running text offsets`() async throws {
        let fake = try FakeGateway()
        let chunks = try await fake.complete("ab c", ["stream": true, "logprobs": 0]).chunks()
        #expect(chunks.map { $0["choices"]?[0]?["text"] } == ["ab ", "c", ""])
        #expect(chunks[1]["choices"]?[0]?["logprobs"]?["text_offset"] == [3])
        #expect(chunks[2]["choices"]?[0]?["logprobs"] == .some(nil))
        #expect(chunks[2]["choices"]?[0]?["finish_reason"] == "stop")
        #expect(chunks.allSatisfy { $0["object"] == "text_completion" })
        await fake.service.shutdown()
    }

    @Test func `takes token ids as a prompt`() async throws {
        let fake = try FakeGateway()
        #expect(try await fake.complete([5, 6]).json()["choices"]?[0]?["text"] == "t5 t6")
        await fake.service.shutdown()
    }
}
