import Glibc
import HTTP
import Platform
import Synchronization
import Testing

/// Clients that dawdle, throng or send without end, each against a server with small limits; another
/// client must be served all the while.
@Suite(.timeLimit(.minutes(15))) struct HostileClientTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func socketAddress() -> SocketAddress {
        .unix(path: "/tmp/torii-http-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock")
    }

    /// Sends `pieces` one by one with a pause after each, until the server says something; returns
    /// all that it says.
    private static func drip(
        _ pieces: some Sequence<[UInt8]> & Sendable,
        to server: TestServer
    ) async throws -> String {
        try await blocking {
            let client = try server.connect()
            for piece in pieces {
                try? client.send(piece)
                if client.isReadable(within: .milliseconds(20)) { break }
            }
            return try client.receiveAll()
        }
    }

    @Test func `cuts a client that drips its head`() async throws {
        var limits = HTTPLimits()
        limits.headTimeout = .milliseconds(200)
        let server = try TestServer.echo(limits: limits)
        let endless = sequence(first: Array("GET / HTTP/1.1\r\nHost: a\r\n".utf8)) { _ in
            Array("X: 1\r\n".utf8)
        }
        let text = try await Self.drip(endless.prefix(90), to: server)
        #expect(text.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(text.contains("\r\nConnection: close\r\n"))
    }

    @Test func `cuts a client that drips its body, however steadily`() async throws {
        var limits = HTTPLimits()
        limits.bodyRateGrace = .milliseconds(200)
        let server = try TestServer.echo(limits: limits)
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
        let text = try await Self.drip(
            sequence(first: Array(head.utf8)) { _ in [0x78] },
            to: server
        )
        #expect(text.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
    }

    @Test func `closes a connection that says nothing, without a word`() async throws {
        var limits = HTTPLimits()
        limits.firstByteTimeout = .milliseconds(50)
        let server = try TestServer.echo(limits: limits)
        let text = try await blocking { try server.connect().receiveAll() }
        #expect(text == "")
    }

    @Test func `cuts off a reader that takes nothing, and serves the one beside it`() async throws {
        let milestones = Milestones()
        var limits = HTTPLimits()
        limits.writeStallTimeout = .milliseconds(300)
        let server = try TestServer(limits: limits) { request, responder in
            guard request.path == "/endless" else {
                responder.send(status: 200)
                return
            }
            let writer = responder.stream(status: 200)
            let piece = [UInt8](repeating: 0x61, count: 16 << 10)
            do throws(HTTPDisconnected) {
                while true { try await writer.write(piece) }
            } catch {
                milestones.reach("cut off")
            }
        }
        let reader = try RawConnection(to: server.address, receiveBufferByteCount: 4 << 10)
        try reader.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try await blocking {
            let other = try server.connect()
            try other.send(Self.get)
            return try other.receiveAnswer().head
        }
        #expect(head.hasPrefix("HTTP/1.1 200 "))
        await milestones.wait(for: "cut off")
    }

    @Test func `a flood of connections leaves those that are served alone`() async throws {
        var limits = HTTPLimits()
        limits.maximumConnectionCount = 8
        // On a slow machine the flood takes its time, and those that wait meanwhile are no idlers.
        limits.firstByteTimeout = .seconds(900)
        limits.keepAliveTimeout = .seconds(900)
        let server = try TestServer.echo(limits: limits)
        let (kept, refusals, later) = try await blocking {
            let served = try (0..<8).map { _ in try server.connect() }
            for client in served {
                try client.send(Self.get)
                _ = try client.receiveAnswer()
            }
            let flood = try (0..<300).map { _ in try server.connect() }
            let refusals = flood.map { (try? $0.receiveAll()) ?? "" }
            var kept: [String] = []
            for client in served {
                try client.send(Self.get)
                kept.append(try client.receiveAnswer().head)
            }
            for client in served + flood { client.close() }
            // The server learns of it in its own time.
            while true {
                let client = try server.connect()
                try? client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let text = (try? client.receiveAll()) ?? ""
                if text.hasPrefix("HTTP/1.1 200 ") { return (kept, refusals, text) }
            }
        }
        #expect(kept.count == 8 && kept.allSatisfy { $0.hasPrefix("HTTP/1.1 200 ") })
        // Told so, or, when too many are being told already, closed.
        #expect(refusals.allSatisfy { $0.isEmpty || $0.hasPrefix("HTTP/1.1 503 ") })
        #expect(refusals.contains { $0.contains("\r\nRetry-After: 1\r\n") })
        #expect(later.hasSuffix("GET / "))
    }

    @Test func `a listener answers however full the other one is`() async throws {
        var limits = HTTPLimits()
        limits.maximumConnectionCount = 12
        limits.firstByteTimeout = .seconds(900)
        limits.keptConnectionsPerListener = 4
        let admin = Self.socketAddress()
        let server = try TestServer.echo(
            listen: [.socket(.loopback4(port: 0)), .socket(admin)],
            limits: limits
        )
        let answers = try await blocking {
            let crowd = try (0..<100).map { _ in try server.connect() }
            for client in crowd { try? client.send(Self.get) }
            let served = crowd.count { (try? $0.receiveAnswer().head.contains(" 200 ")) == true }
            #expect(served == 8, "the places of the admin socket are nobody else's")
            let operators = try (0..<4).map { _ in try RawConnection(to: admin) }
            for client in operators { try client.send(Self.get) }
            return try operators.map { try $0.receiveAnswer().head }
        }
        #expect(answers.count == 4 && answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200 ") })
    }

    @Test func `holds no more of unanswered requests than it may`() async throws {
        var limits = HTTPLimits()
        limits.maximumHeldByteCount = 1_100_000
        limits.bodyProgressTimeout = .seconds(900)
        limits.bodyRateGrace = .seconds(900)
        let server = try TestServer(limits: limits) { request, responder in
            responder.send(status: 200, body: Array("\(request.body.count)".utf8))
        }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n"
        let half = [UInt8](repeating: 0x78, count: 400_000)
        let rest = [UInt8](repeating: 0x78, count: 100_000)
        let (refused, bodies, other) = try await blocking {
            let clients = try (0..<3).map { _ in try server.connect() }
            // The third one's bytes are too much, whichever comes third.
            for client in clients { try? client.send(Array(head.utf8) + half) }
            var refused: [String] = []
            var served: [RawConnection] = []
            while refused.isEmpty {
                for client in clients where client.isReadable(within: .milliseconds(20)) {
                    refused.append((try? client.receiveAll()) ?? "")
                }
            }
            for client in clients where !client.isReadable(within: .zero) { served.append(client) }
            let other = try server.connect()
            try other.send(Self.get)
            let head = try other.receiveAnswer().head
            let bodies = try served.map { client in
                try client.send(rest)
                return try client.receiveAnswer().body
            }
            return (refused, bodies, head)
        }
        #expect(refused.count == 1 && refused[0].hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(refused[0].contains("\r\nRetry-After: 1\r\n"))
        #expect(bodies == ["500000", "500000"])
        #expect(other.hasPrefix("HTTP/1.1 200 "))
    }
}
