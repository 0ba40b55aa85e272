import Testing

@testable import HTTP

/// Every MUST-reject of RFC 9112, and what this server refuses beyond that.
@Suite struct RequestRejectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let error: HTTPParseError

        init(_ text: String, _ error: HTTPParseError) {
            bytes = Array(text.utf8)
            self.error = error
        }

        init(bytes: [UInt8], _ error: HTTPParseError) {
            self.bytes = bytes
            self.error = error
        }

        var testDescription: String {
            "\(error): " + String(decoding: bytes.suffix(40), as: UTF8.self).debugDescription
        }
    }

    static func field(_ line: String, _ error: HTTPParseError) -> Case {
        Case("GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n", error)
    }

    static func chunks(_ body: String, _ error: HTTPParseError) -> Case {
        Case("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)", error)
    }

    static func target(_ target: String, _ fault: HTTPParseError.TargetFault) -> Case {
        Case("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget(fault))
    }

    static let requestLines = [
        Case("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        Case("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
        Case("\r\n\r\nGET / HTTP/1.1\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/1.1\r\rHost: a\r\n\r\n", .bareCarriageReturn),
        Case("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        Case("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        Case("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET /\r\n\r\n", .malformedRequestLine),
        Case("GET\r\n\r\n", .malformedRequestLine),
        Case("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / http/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/1,1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/+1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTPS/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GE\u{0}T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case(" / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        Case("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        Case("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Case("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", .unknownMethod),
        Case("get / HTTP/1.1\r\nHost: a\r\n\r\n", .unknownMethod),
        Case("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", .unknownMethod),
        Case(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x0d, 0x0a], .malformedRequestLine),
        target("/#top", .forbiddenCharacter),
        target("/\u{7f}", .forbiddenCharacter),
        target("/\u{1}", .forbiddenCharacter),
        target("/\u{e9}", .forbiddenCharacter),
        target("a", .unknownForm),
        target("*", .unknownForm),
        target("a:80", .unknownForm),
        target("ftp://a/", .unknownForm),
        target("http:/a/", .unknownForm),
        target("http:///", .invalidAuthority),
        target("http://u@a/", .invalidAuthority),
        target("http://a:x/", .invalidAuthority),
        target("/%", .invalidPercentEncoding),
        target("/%4", .invalidPercentEncoding),
        target("/%zz", .invalidPercentEncoding),
        target("/%00", .invalidPercentEncoding),
        target("/%0d%0a", .invalidPercentEncoding),
        target("/%c0%ae%c0%ae", .invalidPercentEncoding),
        target("/%ff", .invalidPercentEncoding),
        target("/..", .parentSegment),
        target("/a/../b", .parentSegment),
        target("/a/%2e%2E/b", .parentSegment),
        target("/a%2f..", .parentSegment),
    ]

    static let fields = [
        field("X : 1", .spaceBeforeColon),
        field("X\t: 1", .spaceBeforeColon),
        field(" X: 1", .lineFolding),
        field("X: 1\r\n folded", .lineFolding),
        field("X: 1\r\n\tfolded", .lineFolding),
        Case("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .lineFolding),
        field("X", .malformedField),
        field(": 1", .invalidFieldName),
        field("X Y: 1", .invalidFieldName),
        field("X\u{0}: 1", .invalidFieldName),
        field("X(: 1", .invalidFieldName),
        field("X\u{e9}: 1", .invalidFieldName),
        field("\"X\": 1", .invalidFieldName),
        field("X: a\u{0}b", .invalidFieldValue),
        field("X: a\u{7f}b", .invalidFieldValue),
        field("X: a\u{1b}b", .invalidFieldValue),
        field("X: a\rb", .bareCarriageReturn),
        field("X: a\r", .bareCarriageReturn),
        field("X: a\nY: b", .bareLineFeed),
        Case("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        Case("GET / HTTP/1.1\r\n\r\n", .missingHost),
        Case("GET / HTTP/1.1\r\nHost:\r\n\r\n", .invalidHost),
        field("Host: a", .repeatedHost),
        field("host: b", .repeatedHost),
        Case("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
        Case("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .invalidHost),
        Case("GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", .invalidHost),
        Case("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .hostDiffersFromTarget),
        field("Content-Type: a/b\r\nContent-Type: a/b", .repeatedField),
        field("Authorization: a\r\nauthorization: b", .repeatedField),
        field("Origin: a\r\nOrigin: b", .repeatedField),
        field("Expect: 200-ok", .unsupportedExpectation),
        field("Expect: 100-continue\r\nExpect: x", .unsupportedExpectation),
    ]

    static let framing = [
        field("Content-Length: 1\r\nTransfer-Encoding: chunked", .lengthAndTransferEncoding),
        field("Transfer-Encoding: chunked\r\nContent-Length: 0", .lengthAndTransferEncoding),
        field("Content-Length: 1\r\nContent-Length: 1", .repeatedContentLength),
        field("Content-Length: 1\r\ncontent-length: 2", .repeatedContentLength),
        field("Content-Length: 1, 1", .invalidContentLength),
        field("Content-Length: +1", .invalidContentLength),
        field("Content-Length: -1", .invalidContentLength),
        field("Content-Length: 0x1", .invalidContentLength),
        field("Content-Length: 1_0", .invalidContentLength),
        field("Content-Length: 01", .invalidContentLength),
        field("Content-Length: 1 0", .invalidContentLength),
        field("Content-Length: 1.0", .invalidContentLength),
        field("Content-Length:", .invalidContentLength),
        field("Content-Length: \u{0661}", .invalidContentLength),
        field("Content-Length: 99999999999999999999", .invalidContentLength),
        field("Content-Length: 9999999999999999999", .invalidContentLength),
        field("Content-Length: 33554433", .bodyTooLong(maximumByteCount: 33_554_432)),
        field("Transfer-Encoding: gzip", .unsupportedTransferEncoding),
        field("Transfer-Encoding: gzip, chunked", .unsupportedTransferEncoding),
        field("Transfer-Encoding: xchunked", .unsupportedTransferEncoding),
        field("Transfer-Encoding: identity", .unsupportedTransferEncoding),
        field("Transfer-Encoding: \u{b}chunked", .invalidFieldValue),
        field("Transfer-Encoding: chunked;q=1", .unsupportedTransferEncoding),
        field("Transfer-Encoding: chunked, chunked", .invalidTransferEncoding),
        field("Transfer-Encoding: chunked, gzip", .invalidTransferEncoding),
        field("Transfer-Encoding: chunked,", .invalidTransferEncoding),
        field("Transfer-Encoding:", .invalidTransferEncoding),
        field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .invalidTransferEncoding),
        field("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", .invalidTransferEncoding),
        field("Transfer-Encoding : chunked", .spaceBeforeColon),
        Case(
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .transferEncodingInHTTP10
        ),
        chunks("\r\n", .invalidChunkSize),
        chunks("g\r\n", .invalidChunkSize),
        chunks("0x1\r\n", .invalidChunkSize),
        chunks("+1\r\n", .invalidChunkSize),
        chunks("-1\r\n", .invalidChunkSize),
        chunks(" 1\r\n", .invalidChunkSize),
        chunks("1 \r\n", .invalidChunkSize),
        chunks("1 ;a\r\n", .invalidChunkSize),
        chunks("1_0\r\n", .invalidChunkSize),
        chunks(";a=b\r\n", .invalidChunkSize),
        chunks("00000000000000001\r\n", .invalidChunkSize),
        chunks("1\nx\r\n", .bareLineFeed),
        chunks("1;a\nb\r\n", .bareLineFeed),
        chunks("1;a\rb\r\n", .bareCarriageReturn),
        chunks("1;a\u{0}b\r\n", .invalidChunkExtension),
        chunks("1;" + String(repeating: "a", count: 256) + "\r\n", .invalidChunkExtension),
        chunks("1\r\nxy\r\n", .missingChunkEnd),
        chunks("1\r\nx0\r\n\r\n", .missingChunkEnd),
        chunks("1\r\nx\n", .bareLineFeed),
        chunks("1\r\nx\r\r\n", .missingChunkEnd),
        chunks("ffffffffffffffff\r\n", .bodyTooLong(maximumByteCount: 33_554_432)),
        chunks("2000001\r\n", .bodyTooLong(maximumByteCount: 33_554_432)),
        chunks("0\r\nX\r\n\r\n", .invalidTrailer),
        chunks("0\r\nX : 1\r\n\r\n", .invalidTrailer),
        chunks("0\r\n X: 1\r\n\r\n", .invalidTrailer),
        chunks("0\r\nContent-Length: 1\r\n\r\n", .invalidTrailer),
        chunks("0\r\ntransfer-encoding: chunked\r\n\r\n", .invalidTrailer),
        chunks("0\r\nHost: b\r\n\r\n", .invalidTrailer),
        chunks("0\r\nAUTHORIZATION: b\r\n\r\n", .invalidTrailer),
        chunks("0\r\nX: 1\n\r\n", .bareLineFeed),
        chunks("0\r\n\n", .bareLineFeed),
        chunks(
            "0\r\nX: " + String(repeating: "a", count: 4096) + "\r\n\r\n",
            .trailersTooLong(maximumByteCount: 4096)
        ),
        chunks(
            String(repeating: "1\r\na\r\n", count: 4100) + "0\r\n\r\n",
            .tooMuchChunkOverhead
        ),
    ]

    @Test(arguments: requestLines + fields + framing)
    func `refuses`(example: Case) {
        #expect(ParserDriver.outcome(of: [example.bytes]).error == example.error)
    }

    @Test(arguments: requestLines + fields + framing)
    func `refuses alike however the bytes are cut`(example: Case) {
        let whole = ParserDriver.outcome(of: [example.bytes])
        let cuts =
            example.bytes.count < 1000
            ? ParserDriver.cuts(of: example.bytes) : [example.bytes.map { [$0] }]
        for cut in cuts {
            #expect(ParserDriver.outcome(of: cut) == whole)
        }
    }

    @Test(arguments: requestLines + fields + framing)
    func `answers a refusal with an error status`(example: Case) {
        #expect([400, 413, 414, 417, 431, 501, 505].contains(example.error.status))
        #expect(!example.error.message.isEmpty)
    }
}
