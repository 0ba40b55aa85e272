import Testing

@testable import HTTP

@Suite struct RequestParserTests {
    /// Valid input and the bodies it holds.
    static let valid: [(String, [String])] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", [""]),
        ("\r\nGET /x?y=1 HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\n\r\n", [""]),
        ("GET / HTTP/1.0\r\n\r\n", [""]),
        ("GET / HTTP/1.7\r\nHost: [::1]:8080\r\n\r\n", [""]),
        ("GET http://a.example:80/p?q HTTP/1.1\r\nHost: A.example:80\r\n\r\n", [""]),
        ("GET http://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n", [""]),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", [""]),
        ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", ["hello"]),
        ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", [""]),
        ("GET /a HTTP/1.1\r\nHost: a\r\ncontent-length:3 \r\n\r\nabc", ["abc"]),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5\r\nhello\r\n00A;a=b\r\n, world wi\r\n1\r\nd\r\n0\r\n\r\n",
            ["hello, world wid"]
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\na\r\n\r\n0;last\r\nX-Sum: 1\r\nExpires: never\r\n\r\n",
            ["a\r\n"]
        ),
        (
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
                + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\ntwo\r\n0\r\n\r\n"
                + "\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
            ["one", "two", ""]
        ),
    ]

    @Test(arguments: valid.indices)
    func `reads valid requests alike however they are cut`(index: Int) {
        let (text, bodies) = Self.valid[index]
        let whole = ParserDriver.outcome(of: text)
        #expect(whole.error == nil)
        #expect(whole.bodyTexts == bodies)
        #expect(whole.heads.count == bodies.count)
        for cut in ParserDriver.cuts(of: Array(text.utf8)) {
            #expect(ParserDriver.outcome(of: cut) == whole)
        }
    }

    @Test func `takes the head apart`() throws {
        let outcome = ParserDriver.outcome(
            of: "PATCH /v1/m%6fdels/a%2Fb?x=%20&y HTTP/1.1\r\nHost: localhost:11435\r\n"
                + "X-A:\t one \t\r\nx-a: two\r\nEmpty:\r\nConnection: Foo, CLOSE\r\n\r\n"
        )
        let head = try #require(outcome.heads.first)
        #expect(head.method == .patch)
        #expect(head.target.text == "/v1/m%6fdels/a%2Fb?x=%20&y")
        #expect(head.target.rawPath == "/v1/m%6fdels/a%2Fb")
        #expect(head.target.path == "/v1/models/a/b")
        #expect(head.target.query == "x=%20&y")
        #expect(head.headers[all: "X-A"] == ["one", "two"])
        #expect(head.headers[first: "empty"] == "")
        #expect(!head.keepsAlive)
        #expect(head.framing == .none)
    }

    @Test func `keeps an HTTP 1.0 connection only when asked to`() {
        func keepsAlive(_ version: String, _ connection: String) -> Bool? {
            ParserDriver.outcome(of: "GET / HTTP/\(version)\r\nHost: a\r\n\(connection)\r\n").heads
                .first?.keepsAlive
        }
        #expect(keepsAlive("1.0", "") == false)
        #expect(keepsAlive("1.0", "Connection: Keep-Alive\r\n") == true)
        #expect(keepsAlive("1.1", "") == true)
        #expect(keepsAlive("1.1", "Connection: keep-alive, close\r\n") == false)
    }

    @Test func `knows who waits for 100 Continue`() {
        func expects(_ version: String, _ value: String) -> Bool? {
            let text = "POST / HTTP/\(version)\r\nHost: a\r\nExpect: \(value)\r\n\r\n"
            return ParserDriver.outcome(of: text).heads.first?.expectsContinue
        }
        #expect(expects("1.1", "100-Continue") == true)
        #expect(expects("1.0", "100-continue") == false)
        #expect(expects("1.0", "anything") == false)
        #expect(expects("1.1", "anything") == nil)
    }

    @Test func `allows every limit to be reached`() {
        var limits = HTTPLimits()
        limits.maximumRequestLineByteCount = 20
        limits.maximumHeadersByteCount = 40
        limits.maximumHeaderCount = 2
        limits.maximumHeaderNameByteCount = 4
        limits.maximumHeaderValueByteCount = 12
        limits.maximumBodyByteCount = 8
        // The request line has 20 bytes, the header block 40 with its empty line, and so on.
        let head = "POST /1234 HTTP/1.1 ".dropLast() + "\r\nHost: a123456789\r\nX-BB: 123456789\r\n"
        let fixed = "\(head)\r\n"
        #expect(ParserDriver.outcome(of: fixed, limits: limits).error == nil)
        let text = "POST /12345 HTTP/1.1\r\nHost: a\r\nA: 123456789012\r\n\r\n"
        #expect(ParserDriver.outcome(of: text, limits: limits).heads.count == 1)
        let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n12345678"
        limits.maximumHeaderNameByteCount = 14
        #expect(ParserDriver.outcome(of: body, limits: limits).bodyTexts == ["12345678"])
    }

    @Test(arguments: [
        ("POST /123456 HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("POST / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nABCDE: 1\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nA: 1234567890123\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a12345678901\r\nABCD:  123456789012\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nTE: 1234567890123456789012345678901234567890", 431),
    ])
    func `refuses what is over a limit, however it is cut`(text: String, status: Int) throws {
        var limits = HTTPLimits()
        limits.maximumRequestLineByteCount = 20
        limits.maximumHeadersByteCount = 40
        limits.maximumHeaderCount = 2
        limits.maximumHeaderNameByteCount = 4
        limits.maximumHeaderValueByteCount = 12
        let whole = ParserDriver.outcome(of: text, limits: limits)
        #expect(whole.error?.status == status)
        for cut in ParserDriver.cuts(of: Array(text.utf8)) {
            #expect(ParserDriver.outcome(of: cut, limits: limits) == whole)
        }
    }

    @Test func `refuses a line without end before reading all of it`() {
        let endless = [UInt8](repeating: 0x61, count: 9000)
        #expect(ParserDriver.outcome(of: [endless]).error?.status == 414)
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)
        let value = [UInt8](repeating: 0x61, count: 40_000)
        #expect(ParserDriver.outcome(of: [head, value]).error?.status == 431)
    }

    @Test func `holds a body to the limit set after its head`() throws {
        var parser = RequestParser(limits: HTTPLimits())
        var index = 0
        let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n"
        let bytes = Array(text.utf8)
        _ = try parser.next(bytes.span, from: &index)
        parser.maximumBodyByteCount = 3
        #expect(throws: HTTPParseError.bodyTooLong(maximumByteCount: 3)) {
            try parser.next(bytes.span, from: &index)
        }
    }
}
