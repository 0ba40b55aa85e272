import APIKeys
import Gateway
import HTTP
import JSON
import TestSupport
import Testing

/// What `/metrics` says after requests of every kind.
@Suite(.serialized, .timeLimit(.minutes(15))) struct MetricsTests {
    /// The value of each series, by its name and labels as they are written.
    private func metrics(
        _ fake: FakeGateway,
        headers: HTTPHeaders = [:]
    ) async throws -> [String: Double] {
        let answer = await fake.send(.get, "/metrics", headers: headers)
        try #require(answer.status == 200)
        #expect(
            answer.headers[first: "content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        )
        var values: [String: Double] = [:]
        for line in String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
        where !line.hasPrefix("#") {
            let space = try #require(line.lastIndex(of: " "))
            let old = values.updateValue(
                try #require(Double(line[line.index(after: space)...])),
                forKey: String(line[..<space])
            )
            #expect(old == nil, "\(line) comes twice")
        }
        return values
    }

    @Test func `counts requests, tokens and times by model and key`() async throws {
        let fake = try FakeGateway {
            $0.apiKeys = [APIKey("secret", name: "ada"), APIKey("other", name: "bob")]
        }
        let ada: HTTPHeaders = ["authorization": "Bearer secret"]
        _ = await fake.chat("one two three", headers: ada)
        _ = await fake.chat("four", ["model": "alias/of:good", "stream": true], headers: ada)
        _ = await fake.chat("five", ["n": 2], headers: ["x-api-key": "other"])
        let values = try await metrics(fake, headers: ada)
        let (model, adas, bobs) = (#"model="good""#, #"model="good",key="ada""#, #"key="bob""#)
        #expect(
            values[#"torii_requests_total{route="/v1/chat/completions",\#(adas),code="200"}"#] == 2
        )
        #expect(values["torii_prompt_tokens_total{\(adas)}"] == 14)
        #expect(values["torii_prompt_tokens_cached_total{\(adas)}"] == 6)
        #expect(values["torii_generation_tokens_total{\(adas)}"] == 4)
        // As in its usage: the prompt of two choices counts once.
        #expect(values["torii_prompt_tokens_total{\(model),\(bobs)}"] == 7)
        #expect(values["torii_generation_tokens_total{\(model),\(bobs)}"] == 2)
        #expect(values[#"torii_generations_total{\#(model),\#(bobs),reason="stop"}"#] == 2)
        #expect(values["torii_time_to_first_token_seconds_count{\(adas)}"] == 2)
        #expect(values["torii_e2e_request_latency_seconds_count{\(adas)}"] == 2)
        #expect(values["torii_inter_token_latency_seconds_count{\(model)}"] == 2)
        #expect(values["torii_request_time_per_output_token_seconds_count{\(model)}"] == 1)
        #expect(values["torii_request_time_per_output_token_seconds_sum{\(model)}"] == 0.0015)
        #expect(values["torii_request_prefill_time_seconds_sum{\(model)}"] == 0.008)
        #expect(values["torii_request_load_time_seconds_count{\(model)}"] == 3)
        #expect(values[#"torii_model_loads_total{\#(model),outcome="ok"}"#] == 1)
        #expect(values["torii_model_load_duration_seconds_count{\(model)}"] == 1)
        #expect(values["torii_model_resident{\(model)}"] == 1)
        #expect(values[#"torii_models{state="resident"}"#] == 1)
        // As the gauge of these tests says.
        #expect(values["torii_model_memory_resident_bytes{\(model)}"] == 0)
        #expect(values[#"torii_model_memory_planned_bytes{\#(model),kind="kv"}"#] != nil)
        #expect(values["torii_worker_cpu_seconds_total{\(model)}"] != nil)
        #expect((values["process_resident_memory_bytes"] ?? 0) > 1e6)
        #expect(values[#"torii_build_info{version="9.9"}"#] == 1)
        await fake.service.shutdown()
    }

    @Test(arguments: [
        ("a", "stuck", "loading"), ("!wait", "good", "queued"), ("!hang", "good", "prefill"),
        ("!hang 1", "good", "decoding"),
    ])
    func `counts where a request was when its client left or an operator ended it`(
        _ prompt: String,
        _ model: String,
        _ phase: String
    ) async throws {
        let fake = try FakeGateway(models: ["good", "stuck"])
        for (streams, reason) in [
            (false, "disconnect"), (true, "disconnect"), (false, "admin"), (true, "admin"),
        ] {
            let request = Task {
                await fake.chat(prompt, ["model": .string(model), "stream": .bool(streams)])
            }
            while try await fake.requests().first?["state"]?.stringValue != phase {
                try await Moment.pass()
            }
            if reason == "admin" {
                _ = await fake.send(.delete, "/admin/v1/requests/req_1")
            } else {
                request.cancel()
            }
            _ = await request.value
        }
        let values = try await metrics(fake)
        for reason in ["disconnect", "admin"] {
            let labels = #"model="\#(model)",key="anonymous",phase="\#(phase)",reason="\#(reason)""#
            #expect(values["torii_requests_cancelled_total{\(labels)}"] == 2)
        }
        #expect(!values.keys.contains { $0.hasPrefix("torii_request_errors_total{") })
        let model = #"model="\#(model)",key="anonymous""#
        #expect(values["torii_e2e_request_latency_seconds_count{\(model)}"] == nil)
        let output: [String: Double] = ["decoding": 4]
        #expect(values["torii_generation_tokens_total{\(model)}"] == output[phase] ?? 0)
        let status = try await fake.send(.get, "/admin/v1/status").json()
        #expect(status["requests"]?["cancelled_total"] == 4)
        await fake.service.shutdown()
    }

    @Test func `counts a client that leaves in the middle of a stream`() async throws {
        let fake = try FakeGateway()
        let recorder = HTTPResponseRecorder(disconnectsAfterWrites: 3)
        let body: JSONValue = ["model": "good", "prompt": "a b c d e f", "stream": true]
        let request = HTTPRequest(
            method: .post,
            target: "/v1/completions",
            body: body.serializedBytes()
        )
        await fake.gateway.handle(request, respond: HTTPResponder(sink: recorder))
        let values = try await metrics(fake)
        let cancelled = values.filter { $0.key.hasPrefix("torii_requests_cancelled_total{") }
        // All of them begin with 0, so that the first one is a rise.
        #expect(cancelled.count == 8 && cancelled.values.reduce(0, +) == 1)
        let counted = cancelled.first { $0.value == 1 }
        #expect(counted?.key.contains(#"phase="decoding",reason="disconnect""#) == true)
        await fake.service.shutdown()
    }

    @Test func `counts refusals and errors by their reasons`() async throws {
        let fake = try FakeGateway(models: ["good", "broken", "crash"]) {
            $0.limits.maximumBodyByteCount = 1
        }
        for prompt in ["!full", "!overloaded", "!timeout", "!overflow", "!die 1"] {
            _ = await fake.chat(prompt)
        }
        for model in ["broken", "crash", "un\"known\n"] {
            _ = await fake.chat("a", ["model": .string(model)])
        }
        let request = Task { await fake.chat("!wait") }
        while try await fake.requests().isEmpty {
            try await Moment.pass()
        }
        _ = await fake.chat("a")
        request.cancel()
        _ = await request.value
        var values = try await metrics(fake)
        // A worker's end is counted when the process is gone, which its request need not wait for.
        while values[#"torii_worker_crashes_total{model="good"}"#] != 1
            || values[#"torii_model_loads_total{model="broken",outcome="failed"}"#] != 1
        {
            try Task.checkCancellation()
            values = try await metrics(fake)
        }
        let good = #"model="good",key="anonymous""#
        #expect(values[#"torii_requests_rejected_total{\#(good),reason="queue"}"#] == 2)
        #expect(values.contains { $0.key.contains(#"reason="memory""#) && $0.value == 1 })
        for (model, error) in [
            ("good", "queue_timeout"), ("good", "context_length_exceeded"),
            ("good", "model_worker_died"), ("broken", "model_load_failed"),
            ("crash", "model_load_failed"),
        ] {
            let labels = #"model="\#(model)",error="\#(error)""#
            #expect(values["torii_request_errors_total{\(labels)}"] == 1)
        }
        #expect(values[#"torii_request_errors_total{error="model_not_found"}"#] == 1)
        #expect(values[#"torii_model_loads_total{model="crash",outcome="failed"}"#] == 1)
        #expect(values[#"torii_worker_crashes_total{model="broken"}"#] == 0)
        #expect(values[#"torii_worker_crashes_total{model="crash"}"#] == 1)
        #expect(!values.keys.contains { $0.contains("known") }, "a client's text is no label")
        await fake.service.shutdown()
    }

    @Test func `shows what a request has measured while it runs, and only once`() async throws {
        let fake = try FakeGateway()
        let request = Task { await fake.chat("!hang 5") }
        while try await fake.requests().first?["output_tokens"] != 5 {
            try await Moment.pass()
        }
        let name = #"torii_inter_token_latency_seconds_count{model="good"}"#
        let values = try await metrics(fake)
        #expect(values[name] == 4)
        #expect(values[#"torii_requests_in_flight{model="good"}"#] == 1)
        #expect(try await metrics(fake)[name] == 4)
        request.cancel()
        _ = await request.value
        #expect(try await metrics(fake)[name] == 4)
        await fake.service.shutdown()
    }

    @Test func `writes the name of a hostile file so that no line is forged`() async throws {
        let fake = try FakeGateway(models: ["good", "a\"} 1\ntorii_models{state=\"x\\"])
        let models = try await fake.send(.get, "/v1/models").json()["data"]?.arrayValue ?? []
        let id = try #require(models.compactMap { $0["id"]?.stringValue }.first { $0 != "good" })
        _ = await fake.chat("a", ["model": .string(id)])
        let values = try await metrics(fake)
        let written = #"a\"} 1\ntorii_models{state=\"x\\"#
        #expect(values["torii_model_resident{model=\"\(written)\"}"] == 1)
        #expect(values.keys.filter { $0.hasPrefix("torii_models{") }.count == 6)
        await fake.service.shutdown()
    }

    @Test func `asks for a key where keys are configured`() async throws {
        let fake = try FakeGateway { $0.apiKeys = [APIKey("secret", name: "ada")] }
        #expect(await fake.send(.get, "/metrics").status == 401)
        let values = try await metrics(fake, headers: ["authorization": "Bearer secret"])
        #expect(values[#"torii_requests_total{route="none",code="401"}"#] == 1)
    }
}
