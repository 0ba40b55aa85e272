import Glibc
import HTTP
import Platform
import TestSupport
import Testing

/// More clients than the daemon may have descriptors for.
@Suite(.serialized, .timeLimit(.minutes(15))) struct OverloadTests {
    private let folder: TemporaryDirectory
    private var adminSocket: String { folder.path + "/admin.sock" }

    init() throws {
        folder = try TemporaryDirectory()
    }

    private func daemon(descriptorCount: Int) throws -> RunningDaemon {
        try RunningDaemon(
            arguments: ["--admin-socket", adminSocket],
            limit: "-n \(descriptorCount)"
        )
    }

    /// Connections that ask something, and stay until `hangUp`.
    private final class Crowd {
        private var descriptors: [Int32] = []

        init(_ count: Int, at address: ListenAddress) throws {
            let request = Array("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            for _ in 0..<count {
                let socket = try StreamSocket.connect(to: address.socketAddresses[0])
                // The daemon may have hung up already.
                try? StreamSocket.sendBlocking(socket.rawValue, request.span)
                descriptors.append(socket.release())
            }
        }

        func hangUp() {
            for descriptor in descriptors { close(descriptor) }
            descriptors = []
        }

        deinit { hangUp() }
    }

    /// The daemon's share of a core in the two seconds from now.
    private func load(of daemon: RunningDaemon) throws -> Double {
        let pid = daemon.process.child.pid
        let before = try #require(ProcessUsage(of: pid)).processorTime
        poll(nil, 0, 2000)
        let after = try #require(ProcessUsage(of: pid)).processorTime
        return (after - before) / .seconds(2)
    }

    @Test func `the operator gets in while the API's address is full`() throws {
        let daemon = try daemon(descriptorCount: 128)
        let crowd = try Crowd(200, at: daemon.tcpAddress())
        #expect(try load(of: daemon) < 0.5, "waiting costs nothing")
        let admin = HTTPClient(endpoint: try ListenAddress(parsing: "unix:" + adminSocket))
        for path in ["/admin/v1/status", "/admin/v1/models", "/metrics"] {
            #expect(try admin.send(method: .get, path: path).status == 200)
        }
        // So does who comes through the API's socket, such as a proxy.
        let (status, _) = try daemon.chat(["max_tokens": 2])
        #expect(status == 200)
        crowd.hangUp()
    }

    @Test func `a daemon out of descriptors does not spin, does not end, and serves again`() throws
    {
        let daemon = try daemon(descriptorCount: 48)
        let address = try daemon.tcpAddress()
        let crowd = try Crowd(200, at: address)
        #expect(try load(of: daemon) < 0.5, "what cannot be accepted is left for a while")
        crowd.hangUp()
        // It learns of their end in its own time.
        let client = HTTPClient(endpoint: address, timeout: .seconds(60))
        while (try? client.send(method: .get, path: "/livez").status) != 200 {}
        let (status, _) = try daemon.chat(["max_tokens": 2], on: address)
        #expect(status == 200)
        daemon.process.child.signal(SIGTERM)
        #expect(daemon.process.wait().code == 0)
    }
}
