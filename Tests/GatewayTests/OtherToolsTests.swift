import Gateway
import HTTP
import JSON
import ModelService
import TestSupport
import Testing

/// The admin paths of other tools.
@Suite(.timeLimit(.minutes(15))) struct OtherToolsTests {
    private func wait(
        _ fake: FakeGateway,
        for state: ModelStatus.State,
        of model: String = "good"
    ) async throws {
        while try await fake.service.status(named: model).state != state {
            try await Moment.pass()
        }
    }

    @Test func `loads and unloads as llama-server's router does`() async throws {
        let fake = try FakeGateway()
        let body: JSONValue = ["model": "good"]
        let watcher = Task { await fake.send(.get, "/models/sse") }
        let loaded = await fake.send(.post, "/models/load", body: body)
        #expect(try loaded.json() == ["success": true])
        try await wait(fake, for: .resident)
        #expect(await fake.send(.post, "/models/load", body: body).status == 400)
        // The watch may have begun after the load: a second one is seen whole.
        #expect(
            try await fake.send(.post, "/models/unload", body: body).json() == ["success": true]
        )
        try await wait(fake, for: .unloaded)
        #expect(await fake.send(.post, "/models/unload", body: body).status == 400)
        #expect(await fake.send(.post, "/models/unload", body: ["model": "x"]).status == 404)
        #expect(await fake.send(.post, "/models/load", body: [:]).status == 400)
        _ = await fake.send(.post, "/models/load", body: body)
        try await wait(fake, for: .resident)
        fake.gateway.beginStopping()
        let events = try await watcher.value.events().map { try JSONValue.parse($0) }
        #expect(events.allSatisfy { $0["event"] == "model_status" && $0["model"] == "good" })
        let statuses = events.compactMap { $0["data"]?["status"]?.stringValue }
        #expect(statuses.last == "loaded" && statuses.contains("loading"))
        await fake.service.shutdown()
    }

    @Test func `lists and unloads what runs as llama-swap does`() async throws {
        let fake = try FakeGateway(models: ["good", "other"])
        #expect(try await fake.send(.get, "/running").json() == ["running": []])
        #expect(await fake.chat("hello").status == 200)
        let running = try await fake.send(.get, "/running").json()["running"]?.arrayValue
        #expect(running?.count == 1 && running?[0]["model"] == "good")
        #expect(running?[0]["state"] == "ready")
        #expect(await fake.send(.post, "/api/models/unload/alias/of:good").status == 200)
        try await wait(fake, for: .unloaded)
        for (method, path) in [(HTTPMethod.get, "/unload"), (.post, "/api/models/unload")] {
            #expect(await fake.chat("hello", ["model": "other"]).status == 200)
            #expect(await fake.send(method, path).status == 200)
            try await wait(fake, for: .unloaded, of: "other")
        }
        await fake.service.shutdown()
    }

    @Test func `loads, lists and unloads as LM Studio does`() async throws {
        let fake = try FakeGateway()
        let loaded = await fake.send(
            .post,
            "/api/v1/models/load",
            body: ["model": "good", "context_length": 1024, "echo_load_config": true]
        )
        #expect(loaded.status == 200)
        let answer = try loaded.json()
        #expect(answer["status"] == "loaded" && answer["instance_id"] == "good")
        #expect(answer["load_config"]?["context_length"] == 1024)
        let models = try await fake.send(.get, "/api/v1/models").json()["models"]?.arrayValue
        #expect(models?[0]["key"] == "good")
        #expect(models?[0]["loaded_instances"]?.arrayValue?.first?["id"] == "good")
        let body: JSONValue = ["instance_id": "good"]
        let unloaded = await fake.send(.post, "/api/v1/models/unload", body: body)
        #expect(try unloaded.json() == body)
        try await wait(fake, for: .unloaded)
        await fake.service.shutdown()
    }
}
