import Gateway
import HTTP
import JSON
import ModelService
import TestSupport
import Testing

/// Loading and unloading models by hand.
@Suite(.timeLimit(.minutes(15))) struct LifecycleTests {
    private func fake(_ models: [String]) throws -> FakeGateway {
        try FakeGateway(
            models: models,
            services: { configuration in
                configuration.memoryByteCount = 10 << 30
                configuration.limits.residency.minimumResidence = .zero
            }
        )
    }

    private func post(
        _ fake: FakeGateway,
        _ path: String,
        _ body: JSONValue? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        let answer = await fake.send(.post, path, body: body)
        return (answer.status, try answer.json())
    }

    @Test func `loads at once with a plan, or answers once the model is resident`() async throws {
        let fake = try fake(["a-needs-3", "b-needs-3"])
        let begun = try await post(fake, "/admin/v1/models/a-needs-3/load")
        #expect(begun.status == 202 && begun.json["plan"]?["outcome"] == "fits")
        #expect(begun.json["plan"]?["needed_bytes"] == .integer(3 << 30))
        let loaded = try await post(fake, "/admin/v1/models/b-needs-3/load", ["wait": true])
        #expect(loaded.status == 200 && loaded.json["model"]?["state"] == "resident")
        #expect((loaded.json["load_seconds"]?.doubleValue ?? -1) > 0)
        #expect(loaded.json["model"]?["memory"]?["held_byte_count"] == .integer(3 << 30))
        await fake.service.shutdown()
    }

    @Test func `unloads, and says when the memory is back`() async throws {
        let fake = try fake(["good"])
        #expect(await fake.chat("hello").status == 200)
        let answer = try await post(fake, "/admin/v1/models/good/unload", ["wait": true])
        #expect(answer.status == 200 && answer.json["model"]?["state"] == "unloaded")
        let again = try await post(fake, "/admin/v1/models/alias/of:good/unload")
        #expect(again.status == 200)
        await fake.service.shutdown()
    }

    @Test func `plans in bytes and changes nothing`() async throws {
        let fake = try fake(["a-needs-6", "b-needs-6", "c-needs-12"])
        _ = try await post(fake, "/admin/v1/models/a-needs-6/load", ["wait": true])
        let plan = try await post(fake, "/admin/v1/plan", ["model": "b-needs-6"])
        #expect(plan.status == 200 && plan.json["outcome"] == "evict" && plan.json["fits"] == true)
        #expect(plan.json["evict"]?.arrayValue?.first?["model"] == "a-needs-6")
        let dry = try await post(fake, "/admin/v1/models/b-needs-6/load", ["dry_run": true])
        #expect(dry.status == 200 && dry.json["outcome"] == "evict")
        let never = try await post(fake, "/admin/v1/plan", ["model": "c-needs-12"])
        #expect(never.json["outcome"] == "never_fits" && never.json["fits"] == false)
        #expect(never.json["missing_bytes"] == .integer(2 << 30))
        let states = await fake.service.status().map(\.state)
        #expect(states == [.resident, .unloaded, .unloaded])
        await fake.service.shutdown()
    }

    @Test func `refuses what does not fit with 507 and the figures`() async throws {
        let fake = try fake(["a-needs-6", "b-needs-6", "c-needs-12"])
        _ = try await post(fake, "/admin/v1/models/a-needs-6/load", ["wait": true])
        let kept = try await post(
            fake,
            "/admin/v1/models/b-needs-6/load",
            ["allow_evict": false, "wait": true]
        )
        #expect(kept.status == 507 && kept.json["error"]?["code"] == "insufficient_memory")
        #expect(kept.json["error"]?["message"]?.stringValue?.contains("`a-needs-6`") == true)
        let chat = await fake.chat("hello", ["model": "c-needs-12"])
        #expect(chat.status == 507 && chat.headers[first: "x-should-retry"] == "false")
        #expect(try chat.error()["missing_bytes"] == .integer(2 << 30))
        await fake.service.shutdown()
    }

    @Test func `names what is wrong with a request`() async throws {
        let fake = try fake(["good"])
        let cases: [(String, JSONValue, Int, String?)] = [
            ("/admin/v1/models/good/load", ["context": "many"], 400, "context"),
            ("/admin/v1/models/good/load", ["context": 1], 400, "context"),
            ("/admin/v1/models/good/load", ["keep_alive": "soon"], 400, "keep_alive"),
            ("/admin/v1/models/good/load", ["wait": "yes"], 400, "wait"),
            ("/admin/v1/models/bad/load", [:], 404, "model"),
            ("/admin/v1/models/bad/pin", [:], 404, "model"),
            ("/admin/v1/models/bad/unload", [:], 404, "model"),
            ("/admin/v1/plan", [:], 400, "model"),
        ]
        for (path, body, status, parameter) in cases {
            let answer = try await post(fake, path, body)
            #expect(answer.status == status, "\(path)")
            #expect(answer.json["error"]?["param"]?.stringValue == parameter, "\(path)")
        }
        let unknown = await fake.send(.post, "/admin/v1/models/good/pin/", body: ["x": 1])
        #expect(unknown.status == 200)
        let ignored = await fake.send(.post, "/admin/v1/plan", body: ["model": "good", "x": 1])
        #expect(ignored.headers[first: "x-ignored-params"] == "x")
        await fake.service.shutdown()
    }

    @Test func `refuses another context while the model is resident`() async throws {
        let fake = try fake(["good"])
        let path = "/admin/v1/models/good/load"
        let first = try await post(fake, path, ["wait": true, "context": 512])
        #expect(first.json["model"]?["facts"]?["context_length"] == 512)
        #expect(try await post(fake, path, ["wait": true, "context": 512]).status == 200)
        #expect(try await post(fake, path, ["wait": true]).status == 200)
        let other = try await post(fake, path, ["wait": true, "context": 1024])
        #expect(other.status == 409 && other.json["error"]?["param"] == "context")
        await fake.service.shutdown()
    }

    @Test func `pins a model and shows when an idle one will go`() async throws {
        let fake = try fake(["good"])
        #expect(await fake.chat("hello", ["keep_alive": "1h"]).status == 200)
        while try await fake.service.status(named: "good").leaseCount > 0 {
            try await Moment.pass()
        }
        let unpinned = try await post(fake, "/admin/v1/models/good/unpin")
        let expires = unpinned.json["model"]?["expires"]?.intValue
        let lastUsed = unpinned.json["model"]?["last_used"]?.intValue
        #expect((3590...3700).contains((expires ?? 0) - (lastUsed ?? 0)))
        let pinned = try await post(fake, "/admin/v1/models/good/pin")
        #expect(pinned.json["model"]?["pinned"] == true)
        #expect(pinned.json["model"]?["expires"] == .some(nil))
        #expect(await fake.chat("hello", ["keep_alive": "x"]).status == 400)
        await fake.service.shutdown()
    }

    @Test func `is not ready while a model's process is stuck, and says so`() async throws {
        let fake = try FakeGateway(
            models: ["good", "other"],
            change: { $0.limits.readinessTimeout = .seconds(300) },
            services: { $0.limits.heartbeatTimeout = .seconds(30) }
        )
        #expect(await fake.send(.get, "/readyz").status == 200)
        let silent = Task { await fake.chat("!silent") }
        // It is told for twenty seconds, until its process is replaced: on a busy machine one look
        // may come several seconds after the other.
        let limit = ContinuousClock.now.advanced(by: .seconds(600))
        var answer = await fake.send(.get, "/readyz")
        while answer.status == 200, ContinuousClock.now < limit {
            try await Moment.pass()
            answer = await fake.send(.get, "/readyz")
        }
        #expect(answer.status == 503)
        let json = try answer.json()
        #expect(json["status"] == "stuck")
        let reason = json["reasons"]?[0]?.stringValue ?? ""
        #expect(reason.contains("process of `good` has"), "\(reason)")
        #expect(await fake.chat("calm", ["model": "other"]).status == 200)
        #expect(await fake.send(.get, "/livez").status == 200)
        #expect(await silent.value.status == 500)
        #expect(await fake.send(.get, "/readyz").status == 200)
        await fake.service.shutdown()
    }

    @Test func `tells what happens to models until the server stops`() async throws {
        let fake = try fake(["good"])
        let watcher = Task { await fake.send(.get, "/admin/v1/events") }
        // The watch begins with the answer's head; whatever comes before it is not told.
        var round = 0
        while true {
            _ = try await post(fake, "/admin/v1/models/good/load", ["wait": true])
            _ = try await post(fake, "/admin/v1/models/good/unload", ["wait": true])
            round += 1
            if round == 3 { break }
        }
        fake.gateway.beginStopping()
        let events = try await watcher.value.events().map { try JSONValue.parse($0) }
        #expect(events.allSatisfy { $0["model"] == "good" })
        #expect(events.map { $0["seq"]?.intValue } == (1...max(1, events.count)).map { $0 })
        let states = events.compactMap { $0["state"]?.stringValue }
        #expect(states.suffix(4) == ["loading", "resident", "draining", "unloaded"])
        #expect(events.contains { $0["type"] == "worker_exit" })
        #expect(events.contains { $0["type"] == "progress" && $0["progress"] == 0.5 })
        await fake.service.shutdown()
    }
}
