import HTTP
import Platform
import Testing

/// What follows a refused request on its connection is never taken for a request (RFC 9112 §11.2).
@Suite(.timeLimit(.minutes(15))) struct DesyncTests {
    private static let canary = "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"

    private static let refused =
        RequestRejectionTests.requestLines + RequestRejectionTests.fields
        + RequestRejectionTests.framing

    /// Ways to say where a body ends that two servers may understand differently.
    private static let ambiguous = [
        "Content-Length: 0\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4, 4", "Content-Length: +4", "Content-Length: 0x4", "Content-Length : 4",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding:\u{B}chunked",
        "Transfer-Encoding : chunked", "X: y\r\n Content-Length: 4",
    ]

    @Test func `answers each refused request once, hangs up, and never sees what follows`()
        async throws
    {
        let milestones = Milestones()
        let server = try TestServer { request, responder in
            if request.path == "/canary" { milestones.reach("canary") }
            responder.send(status: 200, headers: [:], body: [])
        }
        let address = server.address
        let heads = Self.ambiguous.map { field in
            Array("POST /a HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n0\r\n\r\n".utf8)
        }
        for bytes in Self.refused.map(\.bytes) + heads {
            let text = try await blocking {
                let connection = try RawConnection(to: address)
                // A server may have hung up before all of it was sent.
                try? connection.send(bytes + Array(Self.canary.utf8))
                return (try? connection.receiveAll()) ?? "reset"
            }
            let shown = String(decoding: bytes.suffix(60), as: UTF8.self).debugDescription
            let answers = text.split(separator: "\r\n").filter { $0.hasPrefix("HTTP/1.1 ") }
            #expect(answers.count == 1, "\(shown): \(text)")
            let status = answers.first.flatMap { Int($0.dropFirst(9).prefix(3)) } ?? 0
            #expect((400...599).contains(status), "\(shown): \(text)")
            #expect(text.lowercased().contains("connection: close"), "\(shown): \(text)")
        }
        #expect(milestones.count("canary") == 0)
        let calm = try await blocking {
            let connection = try RawConnection(to: address)
            try connection.send(Self.canary)
            return try connection.receiveAnswer().head
        }
        #expect(calm.hasPrefix("HTTP/1.1 200") && milestones.count("canary") == 1)
    }
}
