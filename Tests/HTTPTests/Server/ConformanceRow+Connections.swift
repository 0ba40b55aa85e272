/// RFC 9112 §9: how long connections are.
extension ConformanceRow {
    static let connections = [
        Self(
            "9112 9.3",
            "a connection of HTTP/1.1 is kept",
            next + next,
            .statuses([200, 200]),
            .staysOpen
        ),
        Self(
            "9112 9.3",
            "one of HTTP/1.0 is not",
            "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .closes
        ),
        Self(
            "9112 9.3",
            "one of HTTP/1.0 is kept when it asks",
            "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n",
            .statuses([200]),
            .contains("Connection: keep-alive"),
            .staysOpen
        ),
        Self(
            "9112 9.3",
            "close is stronger than keep-alive",
            "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
            .statuses([200]),
            .closes
        ),
        Self(
            "9112 9.3",
            "what follows a request that is refused with its body is not read as a request",
            request("Expect: tea\r\nContent-Length: \(next.utf8.count)", body: next),
            .statuses([417]),
            .closes
        ),
        Self(
            "9112 9.3.2",
            "answers come in the order of the requests",
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                + "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            .statuses([200, 200, 200]),
            .endsWith("GET /3 "),
            .closes
        ),
        Self(
            "9112 9.6",
            "nothing is served after a request that says close",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + next,
            .statuses([200]),
            .contains("Connection: close"),
            .closes
        ),
        Self(
            "9112 9.6",
            "an answer after which the server closes says so",
            request("Content-Length: 1x", body: "a"),
            .statuses([400]),
            .contains("\r\nConnection: close\r\n"),
            .closes
        ),
        Self(
            "9112 9.6",
            "close is found in a list, in any case",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, , CLOSE\r\n\r\n" + next,
            .statuses([200]),
            .closes
        ),
    ]
}
