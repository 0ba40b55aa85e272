/// RFC 9112 §2 to §5: what a request looks like.
///
/// Where the text lets a server choose between refusing and repairing, this one refuses.
extension ConformanceRow {
    static let syntax = [
        Self(
            "9112 2.2",
            "an empty line before a request is ignored",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .staysOpen
        ),
        Self(
            "9112 2.2",
            "parses octets, not text: bytes above ASCII are opaque in a value",
            bytes: Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0xe9, 0xff]
                + Array("\r\n\r\n".utf8),
            [.statuses([200]), .staysOpen]
        ),
        Self(
            "9112 2.2",
            "a CR without LF is invalid",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 2.2",
            "a LF without CR may be taken for a line end (here: refused)",
            "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 2.2",
            "white space between the request line and the first field is refused",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 2.3",
            "the version's name is case-sensitive",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 2.3",
            "a higher minor version is served as the highest one known",
            "GET / HTTP/1.9\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .contains("HTTP/1.1 200")
        ),
        Self(
            "9112 2.3",
            "another major version is 505",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            .statuses([505]),
            .closes
        ),
        Self(
            "9112 3",
            "request lines of 8,000 bytes are served",
            "GET /" + String(repeating: "a", count: 7_986) + " HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .staysOpen
        ),
        Self(
            "9112 3",
            "a target that is too long is 414",
            "GET /" + String(repeating: "a", count: 9_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([414]),
            .closes
        ),
        Self(
            "9112 3",
            "a request line with more than single spaces in it is 400",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.1",
            "the method is case-sensitive",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([501])
        ),
        Self(
            "9112 3.2",
            "no Host is 400",
            "GET / HTTP/1.1\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2",
            "two Hosts are 400, also when they are equal",
            request("Host: a"),
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2",
            "an invalid Host is 400",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2",
            "an empty Host is 400",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2",
            "HTTP/1.0 needs no Host",
            "GET / HTTP/1.0\r\n\r\n",
            .statuses([200]),
            .closes
        ),
        Self(
            "9112 3.2.1",
            "the origin form has a path and a query",
            "GET /where?q=now HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .endsWith("GET /where ")
        ),
        Self(
            "9112 3.2.2",
            "the absolute form is accepted",
            "GET http://a/absolute HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .endsWith("GET /absolute ")
        ),
        Self(
            "9112 3.2.2",
            "the absolute form needs a Host all the same",
            "GET http://a/ HTTP/1.1\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2.2",
            "a Host that contradicts the absolute form is not used (here: refused)",
            "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2.3",
            "the authority form is for CONNECT alone",
            "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 3.2.4",
            "OPTIONS takes the asterisk form",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .endsWith("OPTIONS * ")
        ),
        Self(
            "9112 3.2.4",
            "no other method does",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 5",
            "blanks around a value are no part of it",
            request("Content-Length: \t 2 \t ", body: "ab"),
            .statuses([200]),
            .endsWith("POST /p ab")
        ),
        Self(
            "9112 5.1",
            "white space before the colon is 400",
            request("X : 1"),
            .statuses([400]),
            .closes
        ),
        Self(
            "9112 5.2",
            "folded lines are refused",
            request("X: 1\r\n 2"),
            .statuses([400]),
            .closes
        ),
    ]
}
