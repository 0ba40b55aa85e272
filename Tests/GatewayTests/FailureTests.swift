import HTTP
import JSON
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct FailureTests {
    @Test(arguments: [false, true])
    func `tells of a context overflow in the words that agents look for`(_ streams: Bool)
        async throws
    {
        let fake = try FakeGateway()
        let answer = await fake.chat("!overflow", ["stream": .bool(streams)])
        #expect(answer.status == 400)
        #expect(answer.headers[first: "content-type"] == "application/json")
        #expect(
            try answer.error() == [
                "message": .string(
                    "This model's maximum context length is 4096 tokens. However, your messages "
                        + "resulted in 6031 tokens. Please reduce the length of the messages. "
                        + "(context_length_exceeded)"
                ),
                "type": "invalid_request_error", "param": "messages",
                "code": "context_length_exceeded", "n_prompt_tokens": 6031, "n_ctx": 4096,
            ]
        )
        await fake.service.shutdown()
    }

    @Test(arguments: [
        ("!template", 400, "chat_template_failed", "messages"),
        ("!parameter", 400, "invalid_value", "logit_bias"),
        ("!overloaded", 429, "rate_limit_exceeded", nil),
        ("!nan", 500, "non_finite_logits", nil), ("!die", 500, "model_worker_died", nil),
    ])
    func `gives every failure its status, also before a stream begins`(
        _ prompt: String,
        _ status: Int,
        _ code: String,
        _ parameter: String?
    ) async throws {
        let fake = try FakeGateway()
        for streams in [false, true] {
            let answer = await fake.chat(prompt, ["stream": .bool(streams)])
            #expect(answer.status == status)
            let error = try answer.error()
            #expect(error["code"] == .string(code))
            #expect(error["param"] == parameter.map { .string($0) } ?? JSONValue.null)
            #expect((answer.headers[first: "retry-after"] != nil) == (status == 429))
            let retry = status == 500 ? (code == "model_worker_died" ? "true" : "false") : nil
            #expect(answer.headers[first: "x-should-retry"] == retry)
        }
        await fake.service.shutdown()
    }

    @Test func `tells of a worker's death inside the stream, and serves the next request`()
        async throws
    {
        let fake = try FakeGateway()
        let events = try await fake.chat("!die 2", ["stream": true]).events()
        let last = try JSONValue.parse(try #require(events.last))
        #expect(last["error"]?["code"] == "model_worker_died")
        #expect(last["error"]?["type"] == "server_error")
        let text = try events.dropLast().map { try JSONValue.parse($0) }
            .compactMap { $0["choices"]?[0]?["delta"]?["content"]?.stringValue }.joined()
        #expect(text == "word0 word1 ")
        #expect(try await fake.chat("again").json()["choices"]?[0]?["finish_reason"] == "stop")
        await fake.service.shutdown()
    }

    @Test func `answers 404 with OpenAI's words for an unknown model`() async throws {
        let fake = try FakeGateway()
        let answer = await fake.chat("a", ["model": "nope"])
        #expect(answer.status == 404)
        let error = try answer.error()
        #expect(
            error["message"]
                == "The model `nope` does not exist or you do not have access to it."
        )
        #expect(error["code"] == "model_not_found" && error["param"] == "model")
        await fake.service.shutdown()
    }

    @Test func `answers 503 that is not to be retried for a model that cannot be loaded`()
        async throws
    {
        let fake = try FakeGateway(models: ["broken"])
        let answer = await fake.chat("a", ["model": "broken"])
        #expect(answer.status == 503)
        #expect(try answer.error()["code"] == "model_load_failed")
        #expect(answer.headers[first: "x-should-retry"] == "false")
        await fake.service.shutdown()
    }

    @Test(arguments: ["", "{", "[]", "nonsense", "{\"model\":1}", "\u{FEFF}{}", "{} x"])
    func `answers 400 to a body that is no request`(_ body: String) async throws {
        let fake = try FakeGateway()
        for path in ["/v1/chat/completions", "/v1/completions", "/tokenize", "/apply-template"] {
            let answer = await HTTPResponseRecorder.record(
                HTTPRequest(method: .post, target: path, body: Array(body.utf8)),
                by: fake.gateway
            )
            #expect(answer.status == 400)
            #expect(try answer.error()["type"] == "invalid_request_error")
        }
    }

    @Test func `cancels the generation when the client has gone`() async throws {
        let fake = try FakeGateway()
        let recorder = HTTPResponseRecorder(disconnectsAfterWrites: 10)
        let body: JSONValue = [
            "model": "good", "stream": true, "messages": [["role": "user", "content": "!flood"]],
        ]
        let request = HTTPRequest(
            method: .post,
            target: "/v1/chat/completions",
            body: body.serializedBytes()
        )
        await fake.gateway.handle(request, respond: HTTPResponder(sink: recorder))
        #expect(!recorder.current.isFinished)
        while true {
            let status = try await fake.service.status(named: "good")
            if status.leaseCount == 0, status.worker?.runningCount == 0 { break }
            try await Moment.pass()
        }
        await fake.service.shutdown()
    }

    @Test func `cancels a whole answer when its task is cancelled`() async throws {
        let fake = try FakeGateway()
        let request = Task { await fake.chat("!hang") }
        while try await fake.service.status(named: "good").worker?.runningCount != 1 {
            try await Moment.pass()
        }
        request.cancel()
        _ = await request.value
        while try await fake.service.status(named: "good").worker?.runningCount != 0 {
            try await Moment.pass()
        }
        await fake.service.shutdown()
    }
}
