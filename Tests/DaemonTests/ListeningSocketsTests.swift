import Gateway
import Glibc
import HTTP
import Platform
import Telemetry
import Testing

@testable import Daemon

/// What becomes of sockets that an earlier process of the daemon had kept by the service manager.
@Suite struct ListeningSocketsTests {
    private struct Nobody: HTTPRequestHandler {
        func handle(_ request: HTTPRequest, respond: consuming HTTPResponder) async {}
    }

    /// A socket on a port of the kernel's choice, as it comes back, and the service manager's copy.
    private static func kept() throws -> (
        socket: InheritedSockets.Socket, port: UInt16, copy: ListeningSocket
    ) {
        let copy = try ListeningSocket(address: .loopback4(port: 0))
        let number = try #require(copy.number)
        let socket = InheritedSockets.Socket(
            descriptor: dup(number),
            name: InheritedSockets.keptName,
            address: copy.address
        )
        return (socket, try #require(copy.address.port), copy)
    }

    private static func open(
        _ listen: [ListenAddress],
        _ inherited: [InheritedSockets.Socket] = []
    ) throws -> HTTPServer {
        let sources = try ConfigurationSources(
            flags: [:],
            configurationFile: nil,
            variables: ["HOME": "/nonexistent"],
            isRoot: false
        )
        var configuration = try DaemonConfiguration(checking: sources)
        configuration.listen = listen
        configuration.allowAnonymous = true
        configuration.standardSocket = nil
        configuration.adminSocket = nil
        return try ListeningSockets.open(
            configuration,
            inherited: inherited,
            handler: Nobody(),
            connections: ConnectionCounter(),
            log: Log(sink: .none)
        )
    }

    @Test func `those of its addresses are taken over, and only what is missing is opened`() throws
    {
        let (socket, port, copy) = try Self.kept()
        let server = try Self.open([.localhost(port: port)], [socket])
        defer { server.stop() }
        #expect(server.descriptor(of: socket.address) == socket.descriptor)
        let families = server.addresses.map(\.family)
        let fresh = try Self.open([.localhost(port: 0)])
        defer { fresh.stop() }
        #expect(families.sorted() == fresh.addresses.map(\.family).sorted())
        withExtendedLifetime(copy) {}
    }

    @Test func `one of another address is not in the way of the new one, whoever has a copy`()
        throws
    {
        let (socket, port, copy) = try Self.kept()
        let everywhere = SocketAddress.ipv4(address: 0, port: port)
        let server = try Self.open([.socket(everywhere)], [socket])
        defer { server.stop() }
        #expect(server.addresses == [everywhere])
        withExtendedLifetime(copy) {}
    }
}
