import Testing

@testable import HTTP

@Suite struct ResponseHeadTests {
    private func head(
        _ headers: HTTPHeaders,
        framing: ResponseHead.Framing = .length(2),
        keepsAlive: Bool = true,
        isHTTP10: Bool = false
    ) -> String? {
        ResponseHead.serialize(
            status: 200,
            headers: headers,
            framing: framing,
            keepsAlive: keepsAlive,
            isHTTP10: isHTTP10,
            requestID: "req_1",
            date: Array("today".utf8)
        ).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `writes the handler's fields, then the server's`() {
        #expect(
            head(["X-A": "1"]) == "HTTP/1.1 200 OK\r\nX-A: 1\r\nCache-Control: no-store\r\n"
                + "X-Content-Type-Options: nosniff\r\nX-Request-Id: req_1\r\nDate: today\r\n"
                + "Content-Length: 2\r\n\r\n"
        )
    }

    @Test func `lets the handler replace the defaults, but not the framing`() throws {
        let text = try #require(
            head(
                [
                    "cache-control": "no-cache", "Content-Length": "99", "transfer-encoding": "x",
                    "Connection": "upgrade",
                ],
                framing: .chunked,
                keepsAlive: false
            )
        )
        #expect(text.contains("\r\ncache-control: no-cache\r\n") && !text.contains("no-store"))
        #expect(!text.contains("99") && text.contains("\r\nTransfer-Encoding: chunked\r\n"))
        #expect(text.contains("\r\nConnection: close\r\n") && !text.contains("upgrade"))
    }

    @Test(arguments: [
        ("X-A", "a\r\nb"), ("X-A", "a\nb"), ("X-A", "a\u{0}"), ("X A", "b"), ("", "b"),
        ("X-A\r\nX-B", "b"),
    ])
    func `refuses fields that would split the answer`(name: String, value: String) {
        var headers = HTTPHeaders()
        headers.add(name, value)
        #expect(head(headers) == nil)
    }

    @Test func `tells an HTTP 1.0 client that the connection stays`() {
        #expect(head([:], isHTTP10: true)?.contains("\r\nConnection: keep-alive\r\n") == true)
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func `formats dates`(second: Int, text: String) {
        #expect(DateText.format(second: second) == text)
    }

    @Test func `escapes nothing that needs escaping in its own texts, and quotes otherwise`() {
        let body = ErrorEnvelope.serialize(status: 503, message: #"a "b" \"#, code: "c")
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"error":{"message":"a \"b\" \\","type":"server_error","param":null,"code":"c"}}"#
        )
    }

    @Test func `makes ids that differ and takes over sane ones`() {
        let ids = RequestIDs(prefix: 1)
        #expect(ids.next() == "req_00000000000000010000000000000001")
        #expect(ids.next() != ids.next())
        #expect(ids.id(for: ["x-request-id": "a-1.b:2"]) == "a-1.b:2")
        #expect(ids.id(for: ["X-Client-Request-Id": "c"]) == "c")
        for bad in ["", "a b", "a\"", "\u{e9}", String(repeating: "a", count: 129)] {
            #expect(ids.id(for: ["X-Request-Id": bad]).hasPrefix("req_"))
        }
    }
}
