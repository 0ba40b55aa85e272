import Glibc
import HTTP
import Platform
import Testing

@Suite(.timeLimit(.minutes(15))) struct HTTPServerTests {
    private static let get = "GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func temporarySocket() -> SocketAddress {
        .unix(path: "/tmp/torii-http-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock")
    }

    @Test(arguments: [
        SocketAddress.loopback4(port: 0), .loopback6(port: 0), temporarySocket(),
    ])
    func `serves over IPv4, IPv6 and unix sockets`(address: SocketAddress) async throws {
        let server = try TestServer.echo(listen: [.socket(address)])
        let answers = try await blocking {
            let client = try server.connect()
            try client.send(Self.get + Self.get)
            return [try client.receiveAnswer(), try client.receiveAnswer()]
        }
        for answer in answers {
            #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"))
            #expect(answer.body == "GET /a b ")
        }
        server.server.stop()
        if case .unix(let path) = address { #expect(access(path, F_OK) != 0) }
    }

    @Test func `listens on both addresses of localhost and replaces a stale socket file`() throws {
        let both = try TestServer.echo(listen: [.localhost(port: 0)])
        #expect(both.server.addresses.first?.isLoopback == true)
        let address = Self.temporarySocket()
        guard case .unix(let path) = address else { return }
        // A socket file that outlived its listener.
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        _ = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(stale)
        let server = try TestServer.echo(listen: [.socket(address)])
        #expect(throws: SystemError.self) { try TestServer.echo(listen: [.socket(address)]) }
        server.server.stop()
    }

    @Test func `sends the fields that every answer has`() async throws {
        let server = try TestServer.echo()
        let (own, echoed, foreign) = try await blocking {
            let client = try server.connect()
            try client.send(Self.get)
            let own = try client.receiveAnswer().head
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc-1\r\n\r\n")
            let echoed = try client.receiveAnswer().head
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\"b\r\n\r\n")
            return (own, echoed, try client.receiveAnswer().head)
        }
        for field in [
            "\r\nDate: ", "\r\nCache-Control: no-store\r\n",
            "\r\nX-Content-Type-Options: nosniff\r\n", "\r\nX-Request-Id: req_",
            "\r\nContent-Length: 9\r\n",
        ] {
            #expect(own.contains(field))
        }
        #expect(!own.contains("Connection:"))
        #expect(echoed.contains("\r\nX-Request-Id: abc-1\r\n"))
        #expect(foreign.contains("\r\nX-Request-Id: req_"))
    }

    @Test func `answers HEAD and 204 without a body`() async throws {
        let server = try TestServer { request, responder in
            let status = request.path == "/none" ? 204 : 200
            if request.path == "/stream" {
                let writer = responder.stream(status: 200)
                try? await writer.write([1, 2, 3])
                writer.finish()
            } else {
                responder.send(status: status, body: Array("body".utf8))
            }
        }
        let text = try await blocking {
            let client = try server.connect()
            try client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            try client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            try client.send("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return try client.receiveAll()
        }
        let heads = text.components(separatedBy: "\r\n\r\n")
        #expect(heads.count == 4 && heads[3].isEmpty)
        #expect(heads[0].contains("Content-Length: 4"))
        #expect(heads[1].contains("Transfer-Encoding: chunked"))
        #expect(!heads[2].contains("Content-Length"))
        #expect(heads[2].contains("Connection: close"))
    }

    @Test func `reads bodies of chunks and after 100 Continue`() async throws {
        let server = try TestServer.echo()
        let (interim, first, second) = try await blocking {
            let client = try server.connect()
            try client.send(
                "POST /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n"
            )
            let interim = try client.receive(through: "\r\n\r\n")
            try client.send("5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: 1\r\n\r\n")
            let first = try client.receiveAnswer().body
            let large = String(repeating: "x", count: 300_000)
            try client.send("POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n\(large)")
            return (interim, first, try client.receiveAnswer().body)
        }
        #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(first == "POST /c hello!")
        #expect(second.count == 300_008)
    }

    @Test func `refuses before the body is read, and says so to a client that waits`() async throws
    {
        let server = try TestServer(
            admit: { request in
                request.path == "/no"
                    ? .answer(status: 401, headers: ["Www-Authenticate": "Bearer"], body: [0x6e])
                    : .accept(maximumBodyByteCount: 4)
            },
            handle: { _, responder in responder.send(status: 200) }
        )
        let (refused, tooLong, kept) = try await blocking {
            let waiting = try server.connect()
            try waiting.send(
                "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    + "Content-Length: 9999\r\n\r\n"
            )
            let refused = try waiting.receiveAll()
            let large = try server.connect()
            try large.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")
            let tooLong = try large.receiveAll()
            let bodiless = try server.connect()
            try bodiless.send("GET /no HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try bodiless.receiveAnswer()
            try bodiless.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return (refused, tooLong, try bodiless.receiveAnswer().head)
        }
        #expect(refused.hasPrefix("HTTP/1.1 401 Unauthorized\r\nWww-Authenticate: Bearer\r\n"))
        #expect(refused.contains("\r\nConnection: close\r\n"))
        #expect(tooLong.hasPrefix("HTTP/1.1 413 "))
        #expect(kept.hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `answers a broken request in OpenAI's form, closes, and serves no canary`()
        async throws
    {
        let server = try TestServer.echo()
        let text = try await blocking {
            let client = try server.connect()
            try client.send(
                "GET / HTTP/1.1\r\nHost : a\r\n\r\nGET /canary HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            return try client.receiveAll()
        }
        #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"))
        #expect(text.contains("\r\nConnection: close\r\n"))
        #expect(
            text.hasSuffix(
                #"{"error":{"message":"A header has white space before its colon.","#
                    + #""type":"invalid_request_error","param":null,"code":"malformed_request"}}"#
            )
        )
        #expect(!text.contains("canary"))
    }

    @Test func `turns away connections over the limit and recovers`() async throws {
        var limits = HTTPLimits()
        limits.maximumConnectionCount = 1
        let server = try TestServer.echo(limits: limits)
        let (refused, served) = try await blocking {
            let first = try server.connect()
            try first.send(Self.get)
            _ = try first.receiveAnswer()
            let second = try server.connect()
            let refused = try second.receiveAll()
            #expect((1...2).contains(server.connections.openCount))
            try first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return (refused, try first.receiveAll())
        }
        #expect(refused.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(refused.contains("\r\nRetry-After: 1\r\n"))
        #expect(served.hasPrefix("HTTP/1.1 200 OK\r\n"))
        server.server.stop()
        #expect(server.connections.acceptedTotal == 2 && server.connections.openCount == 0)
    }

    @Test func `answers 500 for a handler that gives no answer or an impossible one`() async throws
    {
        let server = try TestServer { request, responder in
            if request.path == "/split" {
                responder.send(status: 200, headers: ["X-A": "b\r\nSet-Cookie: c"])
            }
        }
        let answers = try await blocking {
            try ["/", "/split"].map { path in
                let client = try server.connect()
                try client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                return try client.receiveAll()
            }
        }
        for answer in answers {
            #expect(answer.hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
            #expect(answer.contains(#""type":"server_error""#))
            #expect(!answer.contains("Set-Cookie"))
        }
    }

    @Test func `gives every piece of a valid request the same answer`() async throws {
        let server = try TestServer.echo()
        let request = Array(
            ("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\n\r\n").utf8
        )
        let bodies = try await blocking {
            let client = try server.connect()
            var bodies: Set<String> = []
            for offset in 1..<request.count {
                try client.send(Array(request[..<offset]))
                try client.send(Array(request[offset...]))
                bodies.insert(try client.receiveAnswer().body)
            }
            for byte in request { try client.send([byte]) }
            bodies.insert(try client.receiveAnswer().body)
            return bodies
        }
        #expect(bodies == ["POST /x abc"])
    }

    @Test func `draining finishes what runs, closes what idles, and takes nothing new`()
        async throws
    {
        let milestones = Milestones()
        let server = try TestServer { request, responder in
            milestones.reach("running")
            await milestones.wait(for: "go on")
            responder.send(status: 200, body: Array("done".utf8))
        }
        let idle = try server.connect()
        let busy = try server.connect()
        try busy.send(Self.get)
        await milestones.wait(for: "running")
        let drained = Task { await server.server.drain(deadline: .seconds(30)) }
        let idleText = try await blocking { [idle = UncheckedBox(idle)] in
            try idle.value.receiveAll()
        }
        #expect(idleText == "")
        // A process that another test is starting just now holds the listener until its exec; then
        // the connection ends unanswered.
        while let late = try? server.connect() {
            let text = try? await blocking { [late = UncheckedBox(late)] in
                try late.value.receiveAll()
            }
            #expect(text ?? "" == "")
        }
        milestones.reach("go on")
        let text = try await blocking { [busy = UncheckedBox(busy)] in try busy.value.receiveAll() }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.hasSuffix("done"))
        #expect(text.contains("\r\nConnection: close\r\n"))
        await drained.value
    }

    @Test func `a request sent behind the last answer does not reset the connection`() async throws
    {
        var limits = HTTPLimits()
        limits.lingerTimeout = .seconds(900)
        let server = try TestServer.echo(limits: limits)
        let text = try await blocking {
            let client = try server.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            // Until the server's end of the stream: what follows comes too late for sure.
            let text = try client.receiveAll()
            // A closed socket would answer the first with a reset, and the next ones would fail.
            for _ in 1...3 { try client.send(Self.get) }
            return text
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.hasSuffix("\r\n\r\nGET / "))
    }

    @Test func `draining cancels at its deadline`() async throws {
        let milestones = Milestones()
        let server = try TestServer { request, responder in
            milestones.reach("running")
            await withTaskCancellationHandler {
                await milestones.wait(for: "cancelled")
            } onCancel: {
                milestones.reach("cancelled")
            }
            responder.send(status: 200)
        }
        let client = try server.connect()
        try client.send(Self.get)
        await milestones.wait(for: "running")
        await server.server.drain(deadline: .milliseconds(1))
        await milestones.wait(for: "cancelled")
        await server.server.drain(deadline: .seconds(30))
    }
}

/// Hands a value that one thread uses at a time to another one.
struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
