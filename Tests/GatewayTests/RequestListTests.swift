import APIKeys
import Gateway
import HTTP
import JSON
import TestSupport
import Testing

/// The requests under way, as operators see and end them.
@Suite(.timeLimit(.minutes(15))) struct RequestListTests {
    /// Waits until the only request under way is in that state.
    private func request(_ fake: FakeGateway, in state: String) async throws -> JSONValue {
        while true {
            try Task.checkCancellation()
            let requests = try await fake.requests()
            if let first = requests.first, first["state"]?.stringValue == state { return first }
            try await Moment.pass()
        }
    }

    @Test func `lists a request with its account, place and counts`() async throws {
        let fake = try FakeGateway {
            $0.apiKeys = [APIKey("secret", name: "nightly", priority: .batch)]
        }
        #expect(try await fake.requests().isEmpty)
        let request = Task {
            await fake.chat("!wait", ["user": "ada"], headers: ["authorization": "Bearer secret"])
        }
        var seen = try await self.request(fake, in: "queued")
        while seen["position"] != 3 { seen = try await self.request(fake, in: "queued") }
        #expect(seen["id"] == "req_1" && seen["model"] == "good" && seen["key"] == "nightly")
        #expect(seen["user"] == "ada" && seen["class"] == "batch")
        #expect(seen["prompt_tokens"] == 0 && seen["output_tokens"] == 0)
        #expect((seen["age_seconds"]?.doubleValue ?? -1) >= 0)
        request.cancel()
        _ = await request.value
        #expect(try await fake.requests().isEmpty)
        await fake.service.shutdown()
    }

    @Test func `counts the tokens of a request that computes`() async throws {
        let fake = try FakeGateway()
        let request = Task { await fake.chat("!hang") }
        let seen = try await self.request(fake, in: "prefill")
        #expect(seen["prompt_tokens"] == 7 && seen["cached_tokens"] == 3)
        #expect(seen["position"] == .some(nil) && seen["key"] == "anonymous")
        request.cancel()
        _ = await request.value
        await fake.service.shutdown()
    }

    @Test(arguments: [("a", "stuck"), ("!wait", "good"), ("!hang", "good"), ("!hang 2", "good")])
    func `ends a request wherever it is and tells its client`(_ prompt: String, _ model: String)
        async throws
    {
        let fake = try FakeGateway(models: ["good", "stuck"])
        for streams in [false, true] {
            let request = Task {
                await fake.chat(prompt, ["model": .string(model), "stream": .bool(streams)])
            }
            let state =
                switch prompt {
                case "a": "loading"
                case "!wait": "queued"
                case "!hang": "prefill"
                default: "decoding"
                }
            _ = try await self.request(fake, in: state)
            let answer = await fake.send(
                .delete,
                "/admin/v1/requests/req_1",
                headers: ["authorization": "Bearer x"]
            )
            #expect(answer.status == 200)
            #expect(try answer.json() == ["id": "req_1", "cancelled": true])
            let ended = await request.value
            if ended.isStream {
                let last = try JSONValue.parse(try #require(ended.events().last))
                #expect(last["error"]?["code"] == "request_cancelled")
            } else {
                #expect(ended.status == 503 && ended.headers[first: "x-should-retry"] == "false")
                #expect(try ended.error()["code"] == "request_cancelled")
            }
            while try await fake.service.status(named: model).worker?.runningCount ?? 0 != 0 {
                try await Moment.pass()
            }
        }
        await fake.service.shutdown()
    }

    @Test func `refuses what would fill the memory with prompts`() async throws {
        let fake = try FakeGateway { $0.limits.maximumBodyByteCount = 1000 }
        // Alone it may be as large as it likes.
        let large = String(repeating: "word ", count: 1000)
        #expect(await fake.chat(large).status == 200)
        let request = Task { await fake.chat("!wait") }
        _ = try await self.request(fake, in: "queued")
        #expect(await fake.chat("small").status == 200)
        let refused = await fake.chat(large)
        #expect(refused.status == 429 && refused.headers[first: "retry-after"] == "5")
        request.cancel()
        _ = await request.value
        #expect(await fake.chat(large).status == 200)
        await fake.service.shutdown()
    }

    @Test func `answers 404 for an id that is not under way`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.send(.delete, "/admin/v1/requests/req_9")
        #expect(answer.status == 404)
        #expect(try answer.error()["code"] == "request_not_found")
        #expect(await fake.send(.get, "/admin/v1/requests/req_9").status == 405)
    }
}
