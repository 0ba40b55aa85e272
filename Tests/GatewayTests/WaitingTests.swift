import HTTP
import JSON
import TestSupport
import Testing

/// What clients see while they wait, and how full the queue is.
@Suite(.timeLimit(.minutes(15))) struct WaitingTests {
    private static let admission = [
        "x-ratelimit-limit-requests": "8", "x-ratelimit-remaining-requests": "6",
        "x-ratelimit-reset-requests": "1m13s", "x-ratelimit-limit-tokens": "4000",
        "x-ratelimit-remaining-tokens": "3900", "x-ratelimit-reset-tokens": "1m13s",
    ]

    private func fake(_ models: [String] = ["good"]) throws -> FakeGateway {
        try FakeGateway(models: models) {
            $0.limits.streamCommitDelay = .milliseconds(1)
            $0.limits.wholeCommitDelay = .milliseconds(1)
            $0.limits.keepAliveInterval = .milliseconds(2)
        }
    }

    /// What a client gets that hangs up after `count` writes.
    private func start(
        _ fake: FakeGateway,
        _ prompt: String,
        model: String = "good",
        streams: Bool,
        count: Int
    ) async -> HTTPResponseRecorder.Recording {
        let recorder = HTTPResponseRecorder(disconnectsAfterWrites: count)
        let body: JSONValue = [
            "model": .string(model), "prompt": .string(prompt), "stream": .bool(streams),
        ]
        let request = HTTPRequest(
            method: .post,
            target: "/v1/completions",
            body: body.serializedBytes()
        )
        await fake.gateway.handle(request, respond: HTTPResponder(sink: recorder))
        return recorder.current
    }

    @Test(arguments: [false, true])
    func `says how full the queue is with every accepted answer`(_ streams: Bool) async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat("!queue 2 hello", ["stream": .bool(streams)])
        #expect(answer.status == 200 && answer.isStream == streams)
        for (name, value) in Self.admission { #expect(answer.headers[first: name] == value) }
        await fake.service.shutdown()
    }

    @Test(arguments: [
        ("!full", 429, "rate_limit_exceeded"), ("!timeout", 503, "queue_timeout"),
    ])
    func `refuses with the state of the queue and a time to come back`(
        _ prompt: String,
        _ status: Int,
        _ code: String
    ) async throws {
        let fake = try FakeGateway()
        for streams in [false, true] {
            let answer = await fake.chat(prompt, ["stream": .bool(streams)])
            #expect(answer.status == status)
            #expect(try answer.error()["code"] == .string(code))
            #expect(answer.headers[first: "retry-after"] == "60")
            for (name, value) in Self.admission { #expect(answer.headers[first: name] == value) }
        }
        await fake.service.shutdown()
    }

    @Test func `invents no figures where nobody has counted`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat("!overloaded")
        #expect(answer.status == 429 && answer.headers[first: "retry-after"] == "1")
        #expect(answer.headers[first: "x-ratelimit-limit-requests"] == nil)
        await fake.service.shutdown()
    }

    @Test func `tells a waiting stream its place in the queue`() async throws {
        let fake = try FakeGateway {
            $0.limits.streamCommitDelay = .milliseconds(1)
            $0.limits.keepAliveInterval = .milliseconds(2)
        }
        // So that the model is there, and the wait is the queue's.
        _ = await fake.chat("hello")
        let answer = await start(fake, "!wait", streams: true, count: 9)
        #expect(answer.status == 200 && answer.isStream && !answer.isFinished)
        #expect(answer.headers[first: "x-ratelimit-remaining-requests"] == "6")
        #expect(answer.writes.last == Array(": queued position=3\n\n".utf8))
        await fake.service.shutdown()
    }

    @Test func `tells a waiting stream how far its model is loaded`() async throws {
        let fake = try fake(["stuck"])
        let answer = await start(fake, "a", model: "stuck", streams: true, count: 50)
        #expect(answer.status == 200 && answer.isStream && !answer.isFinished)
        #expect(answer.writes.last == Array(": loading 50%\n\n".utf8))
        await fake.service.shutdown()
    }

    @Test(arguments: ["!wait", "stuck"])
    func `sends white space to a client that waits for a whole answer`(_ prompt: String)
        async throws
    {
        let fake = try fake(["good", "stuck"])
        let model = prompt == "stuck" ? prompt : "good"
        let answer = await start(fake, prompt, model: model, streams: false, count: 5)
        #expect(answer.status == 200 && answer.isStream && !answer.isFinished)
        #expect(answer.headers[first: "content-type"] == "application/json")
        #expect(answer.body == Array("\n\n\n\n\n".utf8))
        await fake.service.shutdown()
    }

    @Test func `gives the whole answer after the white space`() async throws {
        let fake = try fake()
        let answer = await fake.chat("!queue 3 hello big world")
        #expect(answer.status == 200 && answer.isStream && answer.isFinished)
        #expect(answer.body.first == UInt8(ascii: "\n"))
        #expect(
            try answer.json()["choices"]?[0]?["message"]?["content"] == "hello big world"
        )
        await fake.service.shutdown()
    }

    @Test(arguments: [false, true])
    func `tells of a failure after the head in the body`(_ streams: Bool) async throws {
        let fake = try fake()
        // The first request starts the worker, which takes longer than the commit delay.
        let answer = await fake.chat("!timeout", ["stream": .bool(streams)])
        #expect(answer.status == 200 && answer.isStream && answer.isFinished)
        let error: JSONValue?
        if streams {
            error = try JSONValue.parse(try #require(answer.events().last))["error"]
        } else {
            error = try answer.error()
        }
        #expect(error?["code"] == "queue_timeout")
        #expect(fake.logEntries().last?.line.contains("error=queue_timeout") == true)
        await fake.service.shutdown()
    }

    // MARK: Clients that go

    @Test(arguments: [false, true])
    func `lets a waiting request go when its client does`(_ streams: Bool) async throws {
        let fake = try FakeGateway(models: ["good", "stuck"])
        for (model, prompt) in [("stuck", "a"), ("good", "!wait")] {
            let request = Task {
                await fake.chat(prompt, ["model": .string(model), "stream": .bool(streams)])
            }
            while try await fake.requests().first?["state"]
                != (model == "stuck" ? "loading" : "queued")
            {
                try await Moment.pass()
            }
            request.cancel()
            _ = await request.value
            #expect(try await fake.requests().isEmpty)
            while true {
                try Task.checkCancellation()
                let status = try await fake.service.status(named: model)
                if status.waitingCount == 0, status.leaseCount == 0,
                    status.worker?.runningCount ?? 0 == 0
                {
                    break
                }
                try await Moment.pass()
            }
        }
        await fake.service.shutdown()
    }
}
