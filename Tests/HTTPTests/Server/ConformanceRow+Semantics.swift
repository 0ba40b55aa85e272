/// RFC 9110, the meaning of HTTP, as far as a server without a gateway behind it must know it.
extension ConformanceRow {
    static let semantics = [
        Self(
            "9110 4.2.1",
            "an address without a host is invalid",
            "GET http:///p HTTP/1.1\r\nHost:\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9110 4.2.3",
            "scheme and host are the same in any case",
            "GET HTTP://A/case HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .endsWith("GET /case ")
        ),
        Self(
            "9110 4.2.4",
            "an address with a user in it is an error",
            "GET http://eve@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9110 5.1",
            "names of fields are the same in any case",
            "POST /p HTTP/1.1\r\nhOsT: a\r\ncOnTeNt-LeNgTh: 1\r\n\r\nx",
            .statuses([200]),
            .endsWith("POST /p x")
        ),
        Self(
            "9110 5.3",
            "several lines of a list are one list",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\nConnection: y\r\n\r\n",
            .statuses([200]),
            .closes
        ),
        Self(
            "9110 5.5",
            "a NUL in a value is refused",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
            .statuses([400]),
            .closes
        ),
        Self(
            "9110 5.6.1",
            "empty members of a list are ignored",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: ,, keep-alive,\r\n\r\n",
            .statuses([200]),
            .staysOpen
        ),
        Self(
            "9110 6.6.1",
            "answers have a Date",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            .contains("\r\nDate: "),
            .contains(" GMT\r\n")
        ),
        Self(
            "9110 6.6.1",
            "errors too",
            "GET / HTTP/1.1\r\n\r\n",
            .statuses([400]),
            .contains("\r\nDate: ")
        ),
        Self(
            "9110 7.6.1",
            "what Connection names besides close changes nothing",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n",
            .statuses([200]),
            .staysOpen
        ),
        Self(
            "9110 7.8",
            "an Upgrade may be ignored",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            .statuses([200]),
            .lacks("101 Switching"),
            .staysOpen
        ),
        Self(
            "9110 7.8",
            "an Upgrade in HTTP/1.0 is ignored",
            "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            .statuses([200]),
            .lacks("101 Switching"),
            .closes
        ),
        Self(
            "9110 8.6",
            "a length has no sign",
            "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
            .statuses([400]),
            .closes
        ),
        Self(
            "9110 8.6",
            "a length beyond every integer does not overflow",
            "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nx",
            .statuses([400]),
            .closes
        ),
        Self(
            "9110 8.6",
            "an answer 204 has no length and no coding",
            "GET /none HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([204]),
            .lacks("Content-Length"),
            .lacks("Transfer-Encoding"),
            .staysOpen
        ),
        Self(
            "9110 9.1",
            "a method that is not known is 501",
            "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([501])
        ),
        Self(
            "9110 9.3.1",
            "the body of a GET is part of it, not the next request",
            "GET /p HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n"
                + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200]),
            .endsWith("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        ),
        Self(
            "9110 9.3.2",
            "HEAD is answered without a body, with the length that GET has",
            "HEAD /p HTTP/1.1\r\nHost: a\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\n\r\n",
            .statuses([200, 200]),
            .contains("Content-Length: 8"),
            .lacks("HEAD /p")
        ),
        Self(
            "9110 9.3.6",
            "CONNECT is not for an origin server",
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
            .statuses([501]),
            .closes
        ),
        Self(
            "9110 10.1.1",
            "a client that waits for 100 gets it",
            "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
            isWhole: false,
            .statuses([]),
            .contains("HTTP/1.1 100 Continue\r\n\r\n")
        ),
        Self(
            "9110 10.1.1",
            "a client whose body is there gets no 100",
            "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
            .statuses([200]),
            .lacks("HTTP/1.1 100 Continue")
        ),
        Self(
            "9110 10.1.1",
            "HTTP/1.0 gets no 100",
            "POST /p HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
            .statuses([200]),
            .lacks("HTTP/1.1 100 Continue"),
            .endsWith("POST /p x")
        ),
        Self(
            "9110 10.1.1",
            "without a body the expectation is ignored",
            "GET /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
            .statuses([200]),
            .lacks("HTTP/1.1 100 Continue")
        ),
        Self(
            "9110 10.1.1",
            "another expectation is 417",
            "GET /p HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n",
            .statuses([417]),
            .closes
        ),
        Self(
            "9110 10.1.1",
            "a body that is refused is told so instead of 100",
            "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n",
            .statuses([413]),
            .lacks("HTTP/1.1 100 Continue"),
            .closes
        ),
        Self(
            "9110 10.1.4",
            "TE without a coding that is used changes nothing",
            "GET /p HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
            .statuses([200]),
            .staysOpen
        ),
        Self(
            "9110 13",
            "conditions about what has no validator are ignored",
            "GET /p HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT\r\n\r\n",
            .statuses([200])
        ),
        Self(
            "9110 13.2.1",
            "conditions are ignored where nothing is selected",
            "OPTIONS /p HTTP/1.1\r\nHost: a\r\nIf-Match: \"x\"\r\n\r\n",
            .statuses([200])
        ),
        Self(
            "9110 14.2",
            "a Range may be ignored",
            "GET /p HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n",
            .statuses([200]),
            .endsWith("GET /p ")
        ),
        Self(
            "9110 14.2",
            "a Range of another method than GET is ignored",
            request("Range: bytes=0-1\r\nContent-Length: 3", body: "abc"),
            .statuses([200]),
            .endsWith("POST /p abc")
        ),
        Self(
            "9110 14.2",
            "a Range in an unknown unit is ignored",
            "GET /p HTTP/1.1\r\nHost: a\r\nRange: tokens=0-1\r\n\r\n",
            .statuses([200]),
            .endsWith("GET /p ")
        ),
        Self(
            "9110 15.5.14",
            "a body that is too long is 413 before it is sent",
            "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
            .statuses([413]),
            .closes
        ),
        Self(
            "6585 5",
            "fields that are too long are 431",
            "GET /p HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 17 << 10)
                + "\r\n\r\n",
            .statuses([431]),
            .closes
        ),
        Self(
            "6585 5",
            "too many fields are 431",
            "GET /p HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: 1\r\n", count: 101) + "\r\n",
            .statuses([431]),
            .closes
        ),
    ]
}
