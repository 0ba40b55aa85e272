import Testing

@testable import HTTP

@Suite struct ResponseParserTests {
    /// What the parser makes of pieces, runs of bytes joined; `nil` for a malformed answer.
    private func outcome(_ pieces: [[UInt8]], isHead: Bool = false) -> [String]? {
        var parser = ResponseParser(isHead: isHead)
        var texts: [String] = []
        var body: [UInt8] = []
        do {
            for piece in pieces {
                var index = 0
                while let event = try parser.next(piece.span, from: &index) {
                    switch event {
                    case .head(let status, let headers): texts.append("\(status) \(headers.count)")
                    case .bytes(let bytes): body += bytes
                    case .end: texts.append("end")
                    }
                }
            }
        } catch {
            return nil
        }
        texts.append(String(decoding: body, as: UTF8.self))
        if parser.closed() { texts.append("complete") }
        return texts
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", ["200 1", "end", "abc", "complete"]),
        ("HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nabc", ["200 1", "abc"]),
        ("HTTP/1.0 404 Not Found\r\n\r\nuntil close", ["404 0", "until close", "complete"]),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            ["200 1", "end", "abc", "complete"]
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            ["200 1", "ab"]
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", ["204 0", "end", "", "complete"]),
    ])
    func `reads answers alike however they are cut`(text: String, expected: [String]) {
        let bytes = Array(text.utf8)
        #expect(outcome([bytes]) == expected)
        for cut in ParserDriver.cuts(of: bytes) {
            #expect(outcome(cut) == expected)
        }
    }

    @Test(arguments: [
        "HTTP/2 200 OK\r\n\r\n", "200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ])
    func `refuses malformed answers`(text: String) {
        #expect(outcome([Array(text.utf8)]) == nil)
    }

    @Test func `expects no body of an answer to HEAD`() {
        let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".utf8)
        #expect(outcome([bytes], isHead: true) == ["200 1", "end", "", "complete"])
    }
}
