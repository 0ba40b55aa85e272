import Glibc
import HTTP
import Platform
import Synchronization

/// A server on loopback with a handler made of closures, stopped when it goes away.
final class TestServer: Sendable {
    let server: HTTPServer
    let connections = ConnectionCounter()

    init(
        listen: [ListenAddress] = [.socket(.loopback4(port: 0))],
        limits: HTTPLimits = HTTPLimits(),
        admit: @escaping @Sendable (HTTPRequest) -> HTTPAdmission = { _ in .accept() },
        handle: @escaping @Sendable (HTTPRequest, consuming HTTPResponder) async -> Void
    ) throws {
        server = try HTTPServer(
            configuration: HTTPServerConfiguration(
                listen: listen,
                limits: limits,
                connections: connections
            ),
            handler: ClosureHandler(onAdmit: admit, onHandle: handle)
        )
        try server.start()
    }

    /// A server whose answers tell what was asked: "METHOD PATH BODY".
    static func echo(
        listen: [ListenAddress] = [.socket(.loopback4(port: 0))],
        limits: HTTPLimits = HTTPLimits()
    ) throws -> TestServer {
        try TestServer(listen: listen, limits: limits) { request, responder in
            let body = String(decoding: request.body, as: UTF8.self)
            let text = "\(request.method.rawValue) \(request.path) \(body)"
            responder.send(
                status: 200,
                headers: ["Content-Type": "text/plain"],
                body: Array(text.utf8)
            )
        }
    }

    var address: SocketAddress { server.addresses[0] }

    func connect() throws -> RawConnection { try RawConnection(to: address) }

    deinit { server.stop() }
}

private struct ClosureHandler: HTTPRequestHandler {
    let onAdmit: @Sendable (HTTPRequest) -> HTTPAdmission
    let onHandle: @Sendable (HTTPRequest, consuming HTTPResponder) async -> Void

    func admit(_ request: HTTPRequest) -> HTTPAdmission { onAdmit(request) }

    func handle(_ request: HTTPRequest, respond: consuming HTTPResponder) async {
        await onHandle(request, respond)
    }
}

/// Lets threads and tasks wait for each other by name, without sleeping.
final class Milestones: Sendable {
    private struct State {
        var counts: [String: Int] = [:]
        var waiters: [(name: String, count: Int, continuation: CheckedContinuation<Void, Never>)] =
            []
    }

    private let state = Mutex(State())

    func reach(_ name: String) {
        let ready = state.withLock { state in
            let count = state.counts[name, default: 0] + 1
            state.counts[name] = count
            let ready = state.waiters.filter { $0.name == name && $0.count <= count }
            state.waiters.removeAll { $0.name == name && $0.count <= count }
            return ready.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
    }

    func count(_ name: String) -> Int { state.withLock { $0.counts[name, default: 0] } }

    func wait(for name: String, count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.counts[name, default: 0] >= count { return true }
                state.waiters.append((name, count, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }
}

/// Runs blocking code on a thread of its own, so that the cooperative pool stays free for handlers.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
{
    try await withCheckedThrowingContinuation { continuation in
        do {
            _ = try DedicatedThread(name: "test-client") {
                continuation.resume(with: Result { try body() })
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
