import HTTP
import Platform
import Testing

/// The requirements of RFC 9110 and RFC 9112 for an origin server, one row each, over a real
/// connection; after each row another client must find the server well.
@Suite(.timeLimit(.minutes(15))) struct ConformanceTests {
    private static let rows =
        ConformanceRow.syntax + ConformanceRow.framing + ConformanceRow.connections
        + ConformanceRow.semantics

    /// Asked last on a connection, to see whether it is still open.
    private static let probe = "GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    private static func server() throws -> TestServer {
        try TestServer { request, responder in
            if request.path == "/none" {
                responder.send(status: 204)
                return
            }
            let text = "\(request.method.rawValue) \(request.path) "
            responder.send(status: 200, body: Array(text.utf8) + request.body)
        }
    }

    @Test(arguments: rows)
    func `keeps the standard, and serves the next client`(row: ConformanceRow) async throws {
        let server = try Self.server()
        let address = server.address
        let (text, canary) = try await blocking {
            let client = try RawConnection(to: address)
            // A server may have hung up before all of it was sent.
            try? client.send(row.bytes + (row.isWhole ? Array(Self.probe.utf8) : []))
            if !row.isWhole { client.shutDownSending() }
            let text = (try? client.receiveAll()) ?? "reset"
            let canary = try RawConnection(to: address)
            try canary.send("GET /canary HTTP/1.1\r\nHost: a\r\n\r\n")
            return (text, try canary.receiveAnswer())
        }
        var answers = text.split(separator: "HTTP/1.1 ")
            .filter { Int($0.prefix(3)).map { $0 >= 200 } == true }
        let isOpen = answers.last?.hasSuffix("GET /probe ") == true
        if isOpen { answers.removeLast() }
        for expectation in row.expectations {
            #expect(Self.holds(expectation, text, answers, isOpen), "\(expectation): \(text)")
        }
        #expect(canary.head.hasPrefix("HTTP/1.1 200 ") && canary.body == "GET /canary ")
    }

    private static func holds(
        _ expectation: ConformanceRow.Expectation,
        _ text: String,
        _ answers: [Substring],
        _ isOpen: Bool
    ) -> Bool {
        switch expectation {
        case .statuses(let statuses): answers.map { Int($0.prefix(3)) } == statuses
        case .contains(let part): text.contains(part)
        case .lacks(let part): !answers.contains { $0.contains(part) } && !text.hasPrefix(part)
        case .endsWith(let part): answers.last?.hasSuffix(part) == true
        case .closes: !isOpen
        case .staysOpen: isOpen
        }
    }
}
