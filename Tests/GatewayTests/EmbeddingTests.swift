import HTTP
import JSON
import ModelService
import Testing

@Suite(.timeLimit(.minutes(15))) struct EmbeddingTests {
    private func fake() throws -> FakeGateway { try FakeGateway(models: ["embed", "rerank"]) }

    private func embed(
        _ fake: FakeGateway,
        _ input: JSONValue,
        _ members: JSONObject = [:],
        model: String = "embed",
        path: String = "/v1/embeddings"
    ) async -> HTTPResponseRecorder.Recording {
        var body: JSONObject = ["model": .string(model), "input": input]
        for (key, value) in members.members { body[key] = .some(value) }
        return await fake.send(.post, path, body: .object(body))
    }

    @Test(arguments: ["/v1/embeddings", "/embeddings"])
    func `answers the vectors in the order of the texts`(_ path: String) async throws {
        let fake = try fake()
        let answer = await embed(fake, ["ab", [1, 2, 3], "c"], path: path)
        #expect(answer.status == 200)
        #expect(answer.headers[first: "content-type"] == "application/json")
        #expect(answer.headers[first: "x-ratelimit-limit-requests"] == "8")
        let json = try answer.json()
        #expect(json["model"] == "embed")
        #expect(json["usage"] == ["prompt_tokens": 7, "total_tokens": 7])
        let vectors = (json["data"]?.arrayValue ?? []).map { $0["embedding"] }
        #expect(
            vectors == [
                [0.1, -2.5e-08, 0.0, 2.0], [0.1, -2.5e-08, 1.0, 3.0], [0.1, -2.5e-08, 2.0, 1.0],
            ]
        )
        await fake.service.shutdown()
    }

    @Test func `cuts vectors, and refuses more dimensions than there are`() async throws {
        let fake = try fake()
        let cut = await embed(fake, "a", ["dimensions": 1, "extra": 1])
        #expect(try cut.json()["data"]?[0]?["embedding"] == [1.0])
        #expect(cut.headers[first: "x-ignored-params"] == "extra")
        let refused = await embed(fake, "a", ["dimensions": 5])
        #expect(refused.status == 400)
        #expect(try refused.error()["param"] == "dimensions")
        await fake.service.shutdown()
    }

    @Test func `orders documents by score`() async throws {
        let fake = try fake()
        for path in ["/v1/rerank", "/rerank"] {
            let answer = try await fake.send(
                .post,
                path,
                body: ["model": "rerank", "query": "q", "documents": ["aaaa", "a", "aa"]]
            ).json()
            #expect((answer["results"]?.arrayValue ?? []).map { $0["index"] } == [1, 2, 0])
            #expect(answer["results"]?[2]?["relevance_score"] == 0.25)
        }
        await fake.service.shutdown()
    }

    @Test(arguments: [
        ("!overloaded", 429, "rate_limit_exceeded", JSONValue.null),
        ("!long", 400, "context_length_exceeded", "input[0]"),
        ("!nan", 500, "non_finite_logits", .null), ("!die", 500, "model_worker_died", .null),
    ])
    func `gives every failure its status`(
        _ text: String,
        _ status: Int,
        _ code: String,
        _ parameter: JSONValue
    ) async throws {
        let fake = try fake()
        let answer = await embed(fake, [.string(text)])
        #expect(answer.status == status)
        let error = try answer.error()
        #expect(error["code"] == .string(code) && error["param"] == parameter)
        if code == "context_length_exceeded" {
            #expect(error["n_prompt_tokens"] == 600 && error["n_ctx"] == 512)
        }
        await fake.service.shutdown()
    }

    @Test func `refuses to embed with a model for something else`() async throws {
        let fake = try fake()
        let answer = await embed(fake, "a", model: "rerank")
        #expect(answer.status == 400)
        #expect(try answer.error()["param"] == "model")
        #expect(await embed(fake, "a", model: "nothing").status == 404)
        await fake.service.shutdown()
    }

    @Test func `cancels an embedding when its client goes`() async throws {
        let fake = try fake()
        _ = await embed(fake, "a")
        let request = Task { await embed(fake, "!hang") }
        while try await fake.requests().isEmpty { await Task.yield() }
        request.cancel()
        _ = await request.value
        #expect(try await fake.requests().isEmpty)
        // The lease has ended with it.
        while try await fake.service.status(named: "embed").leaseCount > 0 { await Task.yield() }
        await fake.service.shutdown()
    }

    @Test func `counts texts, and tells what a model can do`() async throws {
        let fake = try fake()
        _ = await embed(fake, ["a", "b"])
        _ = await embed(fake, "!nan")
        let metrics = String(decoding: await fake.send(.get, "/metrics").body, as: UTF8.self)
        let labels = #"model="embed",key="anonymous",task="embed""#
        #expect(metrics.contains("torii_embedded_texts_total{\(labels)} 2\n"))
        #expect(metrics.contains(#"torii_prompt_tokens_total{model="embed",key="anonymous"} 7"#))
        #expect(!metrics.contains(#"torii_generations_total{model="embed""#))
        let listed = try await fake.send(.get, "/v1/models/embed").json()
        #expect(listed["capabilities"] == ["embedding"])
        let facts = try await fake.send(.get, "/admin/v1/models/embed").json()["facts"]
        #expect(facts?["tasks"] == ["embed"] && facts?["pooling"] == "mean")
        await fake.service.shutdown()
    }

    @Test func `counts the tokens of a conversation`() async throws {
        let fake = try FakeGateway()
        let body: JSONValue = [
            "model": "good", "messages": [["role": "user", "content": "hello"]],
        ]
        for path in ["/v1/chat/completions/input_tokens", "/chat/completions/input_tokens"] {
            let answer = try await fake.send(.post, path, body: body).json()
            #expect(answer == ["object": "response.input_tokens", "input_tokens": 5])
        }
        await fake.service.shutdown()
    }
}
