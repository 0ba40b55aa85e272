/// RFC 9112 §6 to §8: where messages end.
extension ConformanceRow {
    static let framing = [
        Self(
            "9112 6",
            "without length and coding there is no body",
            "POST /p HTTP/1.1\r\nHost: a\r\n\r\n" + next,
            .statuses([200, 200]),
            .endsWith("GET /next ")
        ),
        Self(
            "9112 6.1",
            "chunked is understood, in any case",
            request("Transfer-Encoding: CHUNKED", body: "2\r\nab\r\n0\r\n\r\n") + next,
            .statuses([200, 200]),
            .contains("POST /p ab")
        ),
        Self(
            "9112 6.1",
            "a coding that is not understood is 501",
            request("Transfer-Encoding: gzip, chunked"),
            .statuses([501]),
            .closes
        ),
        Self(
            "9112 6.1",
            "an answer of unknown length is in chunks",
            "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .contains("\r\nTransfer-Encoding: chunked\r\n"),
            .contains("\r\n5\r\npiece\r\n0\r\n\r\n"),
            .staysOpen
        ),
        Self(
            "9112 6.1",
            "an answer to HTTP/1.0 has no coding: it ends with the connection",
            "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            .statuses([200]),
            .lacks("Transfer-Encoding"),
            .endsWith("\r\n\r\npiece"),
            .closes
        ),
        Self(
            "9112 6.1",
            "length and coding together end the connection",
            request("Content-Length: 3\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 6.1",
            "a coding in HTTP/1.0 is faulty framing",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 6.1",
            "chunked is never applied twice",
            request("Transfer-Encoding: chunked, chunked", body: "0\r\n\r\n") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 6.2",
            "a body has the length that is told",
            request("Content-Length: 4", body: "body") + next,
            .statuses([200, 200]),
            .contains("POST /p body")
        ),
        Self(
            "9112 6.3",
            "an answer to HEAD ends with its head, whatever that says",
            "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + next,
            .statuses([200, 200]),
            .lacks("piece"),
            .endsWith("GET /next ")
        ),
        Self(
            "9112 6.3",
            "a coding that does not end in chunked is 400",
            request("Transfer-Encoding: chunked, gzip") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 6.3",
            "an invalid length is 400",
            request("Content-Length: 1x", body: "a") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 6.3",
            "lengths that differ are 400",
            request("Content-Length: 1\r\nContent-Length: 2", body: "ab") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 6.3",
            "equal lengths in a list may be taken for one (here: refused)",
            request("Content-Length: 1, 1", body: "a") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 7.1",
            "extensions of chunks are ignored",
            request("Transfer-Encoding: chunked", body: "1;a=b;c\r\nx\r\n0;d\r\n\r\n"),
            .statuses([200]),
            .endsWith("POST /p x")
        ),
        Self(
            "9112 7.1",
            "chunks are put together, their sizes hexadecimal in any case",
            request(
                "Transfer-Encoding: chunked",
                body: "A\r\n0123456789\r\n0b\r\nabcdefghijk\r\n0\r\n\r\n"
            ),
            .statuses([200]),
            .endsWith("POST /p 0123456789abcdefghijk")
        ),
        Self(
            "9112 7.1",
            "a size beyond every integer does not overflow",
            request("Transfer-Encoding: chunked", body: "fffffffffffffffff\r\n"),
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 7.1",
            "a size beyond every body is 413",
            request("Transfer-Encoding: chunked", body: "7fffffffffffffff\r\n"),
            .statuses([413]),
            .closes
        ),
        Self(
            "9112 7.1.1",
            "extensions without end are 400",
            request(
                "Transfer-Encoding: chunked",
                body: "1;" + String(repeating: "a", count: 300) + "\r\nx"
            ),
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 7.1.2",
            "trailers are read and thrown away",
            request("Transfer-Encoding: chunked", body: "0\r\nX-Trailer: 1\r\n\r\n") + next,
            .statuses([200, 200]),
            .lacks("X-Trailer")
        ),
        Self(
            "9112 7.1.2",
            "trailers change nothing about the message (here: such are refused)",
            request("Transfer-Encoding: chunked", body: "0\r\nContent-Length: 9\r\n\r\n") + next,
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 8",
            "a request that is not whole is not served",
            request("Content-Length: 9", body: "half"),
            isWhole: false,
            .statuses([])
        ),
        Self(
            "9112 8",
            "one whose chunks do not end neither",
            request("Transfer-Encoding: chunked", body: "4\r\nhalf\r\n"),
            isWhole: false,
            .statuses([])
        ),
    ]
}
