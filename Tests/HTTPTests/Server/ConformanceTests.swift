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
            switch request.path {
            case "/none": responder.send(status: 204)
            case "/stream":
                let writer = responder.stream(status: 200)
                try? await writer.write(Array("piece".utf8))
                writer.finish()
            default:
                let text = "\(request.method.rawValue) \(request.path) "
                responder.send(status: 200, body: Array(text.utf8) + request.body)
            }
        }
    }

    /// All that a server says to a row whose bytes come in these pieces, and what it then says to
    /// another client.
    private static func exchange(
        _ row: ConformanceRow,
        pieces: [[UInt8]],
        with server: TestServer
    ) async throws -> (text: String, canary: (head: String, body: String)) {
        let address = server.address
        return try await blocking {
            let client = try RawConnection(to: address)
            // A server may have hung up before all of it was sent.
            for piece in pieces { try? client.send(piece) }
            if row.isWhole { try? client.send(probe) } else { client.shutDownSending() }
            let text = (try? client.receiveAll()) ?? "reset"
            let canary = try RawConnection(to: address)
            try canary.send("GET /canary HTTP/1.1\r\nHost: a\r\n\r\n")
            return (text, try canary.receiveAnswer())
        }
    }

    /// The final answers in what a server said, each without `HTTP/1.1 `.
    private static func answers(in text: some StringProtocol) -> [Substring] {
        Substring(text).split(separator: "HTTP/1.1 ")
            .filter { Int($0.prefix(3)).map { $0 >= 200 } == true }
    }

    private static func withoutLastAnswer(_ text: String) -> Substring {
        text.prefix(upTo: text.ranges(of: "HTTP/1.1 ").last?.lowerBound ?? text.startIndex)
    }

    @Test(arguments: rows)
    func `keeps the standard, and serves the next client`(row: ConformanceRow) async throws {
        let server = try Self.server()
        let (said, canary) = try await Self.exchange(row, pieces: [row.bytes], with: server)
        for answer in Self.answers(in: said) { Self.checkFields(of: answer) }
        let isOpen = said.hasSuffix("GET /probe ")
        let text = isOpen ? Self.withoutLastAnswer(said) : said[...]
        for expectation in row.expectations {
            #expect(Self.holds(expectation, text, isOpen), "\(expectation): \(said)")
        }
        #expect(canary.head.hasPrefix("HTTP/1.1 200 ") && canary.body == "GET /canary ")
    }

    @Test(arguments: rows)
    func `says the same to bytes that come one by one`(row: ConformanceRow) async throws {
        let server = try Self.server()
        let whole = try await Self.exchange(row, pieces: [row.bytes], with: server)
        let cut = try await Self.exchange(row, pieces: row.bytes.map { [$0] }, with: server)
        #expect(Self.timeless(cut.text) == Self.timeless(whole.text))
        #expect(cut.canary.body == "GET /canary ")
    }

    /// What was said, but for time and numbers; whether a body that is waited for has begun is chance.
    private static func timeless(_ text: String) -> [Substring] {
        text.split(separator: "\r\n").filter {
            !$0.hasPrefix("Date: ") && !$0.hasPrefix("X-Request-Id: ")
                && $0 != "HTTP/1.1 100 Continue"
        }
    }

    private static func holds(
        _ expectation: ConformanceRow.Expectation,
        _ text: Substring,
        _ isOpen: Bool
    ) -> Bool {
        switch expectation {
        case .statuses(let statuses): answers(in: text).map { Int($0.prefix(3)) } == statuses
        case .contains(let part): text.contains(part)
        case .lacks(let part): !text.contains(part)
        case .endsWith(let part): text.hasSuffix(part)
        case .closes: !isOpen
        case .staysOpen: isOpen
        }
    }

    /// What every final answer owes: a date of the one form that may be sent (RFC 9110 §5.6.7, §6.6.1),
    /// no field twice (§5.3) and no length beside a coding (RFC 9112 §6.2).
    private static func checkFields(of answer: Substring) {
        let lines = answer.prefix(
            upTo: answer.firstRange(of: "\r\n\r\n")?.lowerBound ?? answer.endIndex
        )
        .split(separator: "\r\n").dropFirst()
        let names = lines.map { $0.prefix { $0 != ":" }.lowercased() }
        #expect(Set(names).count == names.count, "a field comes twice: \(answer)")
        #expect(
            !names.contains("content-length") || !names.contains("transfer-encoding"),
            "\(answer)"
        )
        let dates = lines.filter { $0.hasPrefix("Date: ") }
        let form =
            /Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT/
        #expect(
            dates.count == 1 && dates.allSatisfy { $0.wholeMatch(of: form) != nil },
            "\(answer)"
        )
    }
}
