import ModelService
import Telemetry
import TestSupport
import Testing
import WorkerProtocol

/// A model service over fake workers, on a directory of its own.
struct FakeService {
    let directory: TemporaryDirectory
    let service: ModelService

    /// Models named so; see FakeWorker for what names do.
    init(
        models: [String] = ["good"],
        log: LogSink = .none,
        change: (inout ModelServiceConfiguration) -> Void = { _ in }
    ) throws {
        directory = try TemporaryDirectory()
        for model in models { _ = try directory.write([1], to: "\(model).gguf") }
        var configuration = ModelServiceConfiguration(
            directories: [directory.path],
            workerExecutable: try BuiltExecutable.path("FakeWorker"),
            workerEnvironment: ["SWIFT_BACKTRACE": "enable=no"],
            gauge: .endless
        )
        // Other tests run beside this one on few cores.
        configuration.limits.greetingTimeout = .seconds(600)
        configuration.limits.loadSilenceTimeout = .seconds(600)
        configuration.limits.heartbeatTimeout = .seconds(600)
        configuration.limits.supervisionTimeout = .seconds(600)
        configuration.limits.engineStallTimeout = .seconds(600)
        change(&configuration)
        service = ModelService(configuration: configuration, log: Log(sink: log))
    }

    /// Waits until `condition` holds; the suite's time limit bounds it.
    func wait(until condition: () async throws -> Bool) async throws {
        while try await !condition() {
            try await Moment.pass()
        }
    }

    /// The request of a chat with one message.
    static func request(_ text: String) -> GenerationRequest {
        GenerationRequest(
            id: 0,
            prompt: .chat(ChatPrompt(messages: [["role": "user", "content": .string(text)]]))
        )
    }

    /// The text that the first model answers, and how it ended.
    func answer(_ text: String, model: String = "good") async throws -> (String, GenerationEvent?) {
        var answer = ""
        var last: GenerationEvent?
        for try await element in service.generate([Self.request(text)], model: model) {
            guard case .event(_, let event) = element else { continue }
            if case .delta(let text, _) = event { answer += text }
            last = event
        }
        return (answer, last)
    }

    /// Waits until the model's status satisfies `condition`; the suite's time limit bounds it.
    func wait(_ model: String = "good", until condition: (ModelStatus) -> Bool) async throws {
        while !condition(try await service.status(named: model)) {
            try await Moment.pass()
        }
    }
}

extension MemoryGauge {
    /// A machine without end, whose processes take nothing but what they say.
    static let endless = MemoryGauge(
        available: { 1 << 44 },
        resident: { _ in 0 },
        reserveByteCount: 0
    )
}
