import JSON
import TestSupport
import Testing

/// Vectors and scores from the real executable.
@Suite(.serialized, .timeLimit(.minutes(15))) struct EmbeddingTests {
    @Test func `makes vectors beside a model that chats, and says who does what`() throws {
        let daemon = try RunningDaemon(encoders: ["encoder": TinyEncoder()])
        let texts: [JSONValue] = ["a", "a longer text", "a"]
        let (status, answer) = try daemon.post(
            "/v1/embeddings",
            ["model": "encoder", "input": .array(texts)]
        )
        #expect(status == 200, "\(answer)")
        let vectors = (answer["data"]?.arrayValue ?? []).map { $0["embedding"]?.arrayValue ?? [] }
        #expect(vectors.map(\.count) == [96, 96, 96])
        #expect(vectors[0] == vectors[2] && vectors[0] != vectors[1])
        #expect((answer["usage"]?["prompt_tokens"]?.intValue ?? 0) > 3)
        #expect(try daemon.chat(["max_tokens": 3]).0 == 200)

        let (wrong, told) = try daemon.post("/v1/embeddings", ["model": "tiny", "input": "a"])
        #expect(wrong == 400 && told["error"]?["param"] == "model")
        let (other, chat) = try daemon.chat(["model": "encoder"])
        #expect(other == 400 && chat["error"]?["param"] == "model")
        let (length, refused) = try daemon.post(
            "/v1/embeddings",
            ["model": "encoder", "input": .string(String(repeating: "z", count: 900))]
        )
        #expect(length == 400 && refused["error"]?["code"] == "context_length_exceeded")
        #expect(refused["error"]?["n_ctx"] == 600)
    }

    @Test func `scores documents`() throws {
        var encoder = TinyEncoder()
        encoder.poolingType = 4
        encoder.hasHead = true
        let daemon = try RunningDaemon(tiny: nil, encoders: ["judge": encoder])
        let (status, answer) = try daemon.post(
            "/v1/rerank",
            ["query": "q", "documents": ["one", "two", "three"], "top_n": 2]
        )
        #expect(status == 200, "\(answer)")
        let results = answer["results"]?.arrayValue ?? []
        let scores = results.compactMap { $0["relevance_score"]?.doubleValue }
        #expect(results.count == 2 && scores == scores.sorted(by: >))
    }
}
