import HTTP
import Platform
import Testing

@Suite(.timeLimit(.minutes(15))) struct HTTPClientTests {
    @Test func `sends a body and the key, and returns whole answers of any status`() async throws {
        let server = try TestServer { request, responder in
            let key = request.headers[first: "Authorization"] ?? ""
            responder.send(
                status: request.path == "/missing" ? 404 : 200,
                headers: ["X-Key": key],
                body: request.body.reversed()
            )
        }
        let client = HTTPClient(endpoint: .socket(server.address), apiKey: "secret")
        let (found, missing) = try await blocking {
            (
                try client.send(method: .post, path: "/", body: [1, 2, 3]),
                try client.send(method: .get, path: "/missing")
            )
        }
        #expect(found.status == 200 && found.body == [3, 2, 1])
        #expect(found.headers[first: "x-key"] == "Bearer secret")
        #expect(missing.status == 404)
    }

    @Test func `streams until told to stop`() async throws {
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            do throws(HTTPDisconnected) {
                while true { try await writer.write([0x61]) }
            } catch {
                writer.finish()
            }
        }
        let client = HTTPClient(endpoint: .socket(server.address))
        let count = try await blocking {
            var count = 0
            try client.stream(method: .get, path: "/", onHead: { _ in }) { bytes in
                count += bytes.count
                return count < 100
            }
            return count
        }
        #expect(count >= 100)
    }

    @Test func `passes on what its closures throw`() async throws {
        struct Stop: Error {}
        let server = try TestServer.echo()
        let client = HTTPClient(endpoint: .socket(server.address))
        await #expect(throws: Stop.self) {
            try await blocking {
                try client.stream(
                    method: .get,
                    path: "/",
                    onHead: { _ in throw Stop() },
                    onBytes: { _ in true }
                )
            }
        }
    }

    @Test func `tells a server that is not there from one that hangs up`() async throws {
        let server = try TestServer { request, responder in
            let writer = responder.stream(status: 200)
            try? await writer.write([1])
        }
        let address = server.address
        await #expect(throws: HTTPClientError.truncated) {
            try await blocking {
                try HTTPClient(endpoint: .socket(address)).send(method: .get, path: "/")
            }
        }
        server.server.stop()
        do {
            _ = try await blocking {
                try HTTPClient(endpoint: .socket(address)).send(method: .get, path: "/")
            }
            Issue.record("nobody should answer")
        } catch HTTPClientError.connectionFailed(let endpoint, _) {
            #expect(endpoint == address.description)
        }
    }

    @Test func `gives up on an answer that is too long`() async throws {
        let server = try TestServer { _, responder in
            responder.send(status: 200, body: [UInt8](repeating: 0, count: 11))
        }
        let client = HTTPClient(endpoint: .socket(server.address), maximumBodyByteCount: 10)
        await #expect(throws: HTTPClientError.tooLong(maximumByteCount: 10)) {
            try await blocking { try client.send(method: .get, path: "/") }
        }
    }

    @Test func `another thread can end a call that waits`() async throws {
        let milestones = Milestones()
        let server = try TestServer { request, responder in
            milestones.reach("running")
            await withTaskCancellationHandler {
                await milestones.wait(for: "cancelled")
            } onCancel: {
                milestones.reach("cancelled")
            }
        }
        let client = HTTPClient(endpoint: .socket(server.address))
        let cancellation = HTTPClientCancellation()
        let call = Task {
            try await blocking {
                try client.send(method: .get, path: "/", cancellation: cancellation)
            }
        }
        await milestones.wait(for: "running")
        cancellation.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await call.value }
        await milestones.wait(for: "cancelled")
    }

    @Test func `the loop proves that it turns, and a stopped one keeps nobody waiting`()
        async throws
    {
        let server = try TestServer.echo()
        await server.server.turn()
        server.server.stop()
        await server.server.turn()
        await server.server.drain(deadline: .seconds(30))
    }

    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1:80"), ("127.0.0.1", "127.0.0.1:11435"),
        ("[::1]:8080", "[::1]:8080"), ("[::1]", "[::1]:11435"), ("LOCALHOST:1", "localhost:1"),
        ("http://localhost:8080/", "localhost:8080"), ("unix:/run/x.sock", "unix:/run/x.sock"),
        ("0.0.0.0:0", "0.0.0.0:0"), ("[::]:1", "[::]:1"),
    ])
    func `reads addresses`(text: String, description: String) throws {
        #expect(try ListenAddress(parsing: text).description == description)
    }

    @Test(arguments: [
        "", "unix:", "example.com:80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "1.2.3:80",
        "127.0.0.1:+1", "[::1", "[::1]80", "::1", "https://127.0.0.1:80",
    ])
    func `refuses what is no address`(text: String) {
        #expect(throws: ListenAddressError.self) { try ListenAddress(parsing: text) }
    }
}
