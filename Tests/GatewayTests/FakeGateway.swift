import APIKeys
import Gateway
import HTTP
import JSON
import ModelService
import Platform
import Telemetry
import TestSupport
import Testing

/// A gateway over fake workers, on a directory of its own.
struct FakeGateway {
    let directory: TemporaryDirectory
    let service: ModelService
    let gateway: Gateway
    let keyStore: KeyStore
    let usage: UsageKeeper
    let logEntries: @Sendable () -> [LogEntry]

    /// Models named so; see FakeWorker for what names and prompts do.
    init(
        models: [String] = ["good"],
        prompts: PromptLog? = nil,
        change: (inout GatewayConfiguration) -> Void = { _ in },
        services changeServices: (inout ModelServiceConfiguration) -> Void = { _ in }
    ) throws {
        directory = try TemporaryDirectory()
        for model in models { _ = try directory.write([1], to: "\(model).gguf") }
        var services = ModelServiceConfiguration(
            directories: [directory.path],
            models: ["good": ModelConfigurationEntry(aliases: ["alias/of:good"])],
            workerExecutable: try BuiltExecutable.path("FakeWorker"),
            workerEnvironment: ["SWIFT_BACKTRACE": "enable=no"]
        )
        // Other tests run beside this one on few cores.
        services.limits.greetingTimeout = .seconds(600)
        services.limits.loadSilenceTimeout = .seconds(600)
        services.limits.heartbeatTimeout = .seconds(600)
        services.limits.supervisionTimeout = .seconds(600)
        services.limits.engineStallTimeout = .seconds(600)
        services.gauge = MemoryGauge(
            available: { 1 << 44 },
            resident: { _ in 0 },
            reserveByteCount: 0
        )
        changeServices(&services)
        var configuration = GatewayConfiguration(version: "9.9")
        // A test that waits for no idle stream must not see a keep-alive.
        configuration.limits.streamCommitDelay = .seconds(3600)
        configuration.limits.wholeCommitDelay = .seconds(3600)
        change(&configuration)
        let (sink, entries) = LogSink.collecting()
        logEntries = entries
        service = ModelService(configuration: services, log: Log(sink: .none))
        keyStore = KeyStore(path: directory.path + "/keys.json")
        usage = try UsageKeeper(path: nil)
        gateway = Gateway(
            service: service,
            configuration: configuration,
            keyRing: try KeyRing(store: keyStore),
            usage: usage,
            prompts: prompts,
            log: Log(sink: sink)
        )
    }

    /// The answer to a request.
    func send(
        _ method: HTTPMethod,
        _ target: String,
        headers: HTTPHeaders = [:],
        body: JSONValue? = nil
    ) async -> HTTPResponseRecorder.Recording {
        await HTTPResponseRecorder.record(
            HTTPRequest(
                id: "req_1",
                method: method,
                target: target,
                headers: headers,
                body: body?.serializedBytes() ?? []
            ),
            by: gateway
        )
    }

    /// The answer to a chat with one message.
    func chat(
        _ text: String,
        _ members: JSONObject = [:],
        headers: HTTPHeaders = [:]
    ) async -> HTTPResponseRecorder.Recording {
        var body: JSONObject = [
            "model": "good", "messages": [["role": "user", "content": .string(text)]],
        ]
        for (key, value) in members.members { body[key] = .some(value) }
        return await send(.post, "/v1/chat/completions", headers: headers, body: .object(body))
    }

    /// The requests under way, as the admin API lists them.
    func requests() async throws -> [JSONValue] {
        let key: HTTPHeaders = ["authorization": "Bearer secret"]
        let answer = await send(.get, "/admin/v1/requests", headers: key)
        return answer.status == 200 ? try answer.json()["requests"]?.arrayValue ?? [] : []
    }

    /// The answer to a text completion.
    func complete(
        _ prompt: JSONValue,
        _ members: JSONObject = [:]
    ) async -> HTTPResponseRecorder.Recording {
        var body: JSONObject = ["model": "good", "prompt": prompt]
        for (key, value) in members.members { body[key] = .some(value) }
        return await send(.post, "/v1/completions", body: .object(body))
    }
}

extension HTTPResponseRecorder.Recording {
    /// The body as JSON.
    func json() throws -> JSONValue { try JSONValue.parse(body) }

    /// The `error` object of the body.
    func error() throws -> JSONValue { try #require(json()["error"]) }

    /// The data of all events of a stream; it must be a whole one.
    func events() throws -> [String] {
        #expect(status == 200)
        #expect(headers[first: "content-type"] == "text/event-stream; charset=utf-8")
        #expect(headers[first: "x-accel-buffering"] == "no")
        var parser = SSEParser()
        return try parser.append(body).map(\.data)
    }

    /// The chunks of a stream that ends with `[DONE]`.
    func chunks() throws -> [JSONValue] {
        let events = try events()
        #expect(events.last == "[DONE]")
        return try events.dropLast().map { try JSONValue.parse($0) }
    }
}
