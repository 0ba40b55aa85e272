import Glibc
import HTTP
import ModelService
import Platform
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Daemon

/// When the service manager gets its sign of life, and when it does not.
@Suite(.timeLimit(.minutes(15))) struct WatchdogTests {
    /// A daemon's parts, with what is said to the service manager.
    private final class Daemon: HTTPRequestHandler {
        let messages = Mutex<[String]>([])
        let isHeld = Atomic(false)
        let release: WakeUp

        init() throws { release = try WakeUp() }

        /// Keeps the I/O loop from turning until it is released.
        func admit(_ request: HTTPRequest) -> HTTPAdmission {
            isHeld.store(true, ordering: .releasing)
            release.wait(until: nil)
            return .answer(status: 200, headers: [:], body: [])
        }

        func handle(_ request: HTTPRequest, respond: consuming HTTPResponder) async {}

        var signCount: Int { messages.withLock { $0.count { $0 == "WATCHDOG=1" } } }
        var isStatusTold: Bool { messages.withLock { $0.contains { $0.hasPrefix("STATUS=") } } }

        func watchdog() -> Watchdog {
            Watchdog(
                notifier: SystemdNotifier { text in self.messages.withLock { $0.append(text) } }
            )
        }

        func server() throws -> HTTPServer {
            let server = try HTTPServer(
                configuration: HTTPServerConfiguration(listen: [.socket(.loopback4(port: 0))]),
                handler: self
            )
            try server.start()
            return server
        }
    }

    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func service(supervisionTimeout: Duration = .seconds(600)) throws -> ModelService {
        _ = try directory.write([1], to: "good.gguf")
        var configuration = ModelServiceConfiguration(
            directories: [directory.path],
            workerExecutable: try BuiltExecutable.path("FakeWorker"),
            workerEnvironment: ["SWIFT_BACKTRACE": "enable=no"],
            gauge: MemoryGauge(available: { 1 << 44 }, resident: { _ in 0 }, reserveByteCount: 0)
        )
        configuration.limits.greetingTimeout = .seconds(600)
        configuration.limits.loadSilenceTimeout = .seconds(600)
        configuration.limits.heartbeatTimeout = .seconds(600)
        configuration.limits.supervisionTimeout = supervisionTimeout
        return ModelService(configuration: configuration, log: Log(sink: .none))
    }

    @Test func `gets none while the loop of connections stands still, and again afterwards`()
        async throws
    {
        let (held, calm) = (try Daemon(), try Daemon())
        let service = try service()
        let (server, other) = (try held.server(), try calm.server())
        defer {
            held.release.signal()
            server.stop()
            other.stop()
        }
        let client = try StreamSocket.connect(to: server.addresses[0])
        let request = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        try StreamSocket.sendBlocking(client.rawValue, request.span)
        while !held.isHeld.load(ordering: .acquiring) { try await Moment.pass() }

        let (watchdog, free) = (held.watchdog(), calm.watchdog())
        // The one beside it shows that there was time enough for signs.
        for count in 1...5 {
            watchdog.report(server: server, service: service) { "well" }
            while calm.signCount < count {
                free.report(server: other, service: service) { "well" }
                try await Moment.pass()
            }
        }
        #expect(held.signCount == 0 && !held.isStatusTold)
        held.release.signal()
        while held.signCount == 0 { try await Moment.pass() }
        #expect(held.signCount == 1, "one question was under way, however often it was asked")
        StreamSocket.shutDownSending(client.rawValue)
        await service.shutdown()
    }

    /// With less than no patience a process counts as unwatched as soon as it runs.
    @Test(arguments: [(600, 1), (-900, 0)])
    func `gets one while a model's process is watched, and none while nobody watches it`(
        patience: Int,
        signCount: Int
    ) async throws {
        let service = try service(supervisionTimeout: .seconds(patience))
        let daemon = try Daemon()
        let server = try daemon.server()
        defer { server.stop() }
        let lease = try await service.lease("good")
        daemon.watchdog().report(server: server, service: service) { "busy" }
        // The status is told last.
        while !daemon.isStatusTold { try await Moment.pass() }
        #expect(daemon.signCount == signCount)
        withExtendedLifetime(lease) {}
        await service.shutdown()
    }
}
