import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(15))) struct EndpointTests {
    @Test func `lists models before and after one is loaded`() async throws {
        let fake = try FakeGateway(models: ["good", "Other.Q4_0"])
        let before = try await fake.send(.get, "/v1/models").json()
        #expect(before["object"] == "list")
        let data = try #require(before["data"]?.arrayValue)
        #expect(data.map { $0["id"] } == ["good", "other.q4_0"])
        #expect(data[0]["object"] == "model" && data[0]["owned_by"] == "torii")
        #expect(data[0]["status"]?["value"] == "unloaded" && data[0]["context_length"] == nil)
        _ = await fake.chat("a")
        let after = try await fake.send(.get, "/models/").json()["data"]?[0]
        #expect(after?["status"]?["value"] == "loaded" && after?["max_model_len"] == 4096)
        #expect(after?["meta"]?["n_ctx_train"] == 8192)
        #expect(after?["created"] == data[0]["created"])
        await fake.service.shutdown()
    }

    @Test func `describes one model by any of its names, and 404 for others`() async throws {
        let fake = try FakeGateway()
        for name in ["good", "GOOD:latest", "alias%2Fof%3Agood", "alias/of:good"] {
            let answer = await fake.send(.get, "/v1/models/\(name)")
            #expect(try answer.json()["id"] == "good")
        }
        let missing = await fake.send(.get, "/v1/models/org%2Fmissing")
        #expect(missing.status == 404)
        #expect(try missing.error()["code"] == "model_not_found")
    }

    @Test func `answers the probes, and that it is not ready while it stops`() async throws {
        let fake = try FakeGateway()
        #expect(try await fake.send(.get, "/livez").json() == ["status": "ok"])
        #expect(try await fake.send(.get, "/health").json() == ["status": "ok"])
        #expect(await fake.send(.head, "/readyz").status == 200)
        #expect(try await fake.send(.get, "/version").json() == ["version": "9.9"])
        #expect(await fake.send(.get, "/").body == Array("Torii is running\n".utf8))
        fake.gateway.beginStopping()
        #expect(await fake.send(.get, "/readyz").status == 503)
        #expect(await fake.send(.get, "/livez").status == 200)
    }

    @Test func `shows operators every state of a model`() async throws {
        let fake = try FakeGateway(models: ["broken", "good", "idle"])
        _ = await fake.chat("a")
        _ = await fake.chat("a", ["model": "broken"])
        let status = try await fake.send(.get, "/admin/v1/status").json()
        #expect(status["version"] == "9.9" && status["ready"] == true)
        let models = try #require(status["models"]?.arrayValue)
        #expect(models.map { $0["state"] } == ["failed", "resident", "unloaded"])
        #expect(models[0]["message"] == "the file is not a model")
        #expect(models[1]["facts"]?["architecture"] == "fake")
        #expect((models[1]["pid"]?.intValue ?? 0) > 1)
        #expect(models[2]["pid"] == .some(nil) && models[2]["last_used"] == .some(nil))
        #expect(try await fake.send(.get, "/admin/v1/models").json()["models"]?[2] == models[2])
        #expect(try await fake.send(.get, "/admin/v1/models/idle").json() == models[2])
        await fake.service.shutdown()
    }

    @Test func `tokenizes, detokenizes and applies the template`() async throws {
        let fake = try FakeGateway()
        let tokens = await fake.send(.post, "/tokenize", body: ["content": "ab"])
        #expect(try tokens.json() == ["tokens": [97, 98], "count": 2, "max_model_len": 4096])
        let special = await fake.send(
            .post,
            "/tokenize",
            body: ["model": "good", "content": "a", "add_special": true]
        )
        #expect(try special.json()["tokens"] == [256, 97])
        let body: JSONValue = ["content": "aé", "with_pieces": true]
        let pieces = try await fake.send(.post, "/tokenize", body: body).json()
        #expect(
            pieces["tokens"] == [
                ["id": 97, "piece": "a"], ["id": 195, "piece": [195]], ["id": 169, "piece": [169]],
            ]
        )
        let text = await fake.send(.post, "/v1/detokenize", body: ["tokens": [97, 98]])
        #expect(text.status == 404)
        let plain = await fake.send(.post, "/detokenize", body: ["tokens": [97, 98]])
        #expect(try plain.json() == ["content": "ab"])
        let prompt = await fake.send(
            .post,
            "/apply-template",
            body: ["messages": [["role": "developer", "content": "x"]]]
        )
        #expect(try prompt.json()["prompt"] == #"[{"role":"system","content":"x"}]"#)
        await fake.service.shutdown()
    }

    @Test func `asks for the model when there are several`() async throws {
        let fake = try FakeGateway(models: ["a", "b"])
        let answer = await fake.send(.post, "/tokenize", body: ["content": "x"])
        #expect(answer.status == 400)
        #expect(try answer.error()["param"] == "model")
    }
}
