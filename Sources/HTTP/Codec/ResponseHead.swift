/// Writes the heads of answers.
enum ResponseHead {
    /// How an answer's body is delimited (RFC 9112 §6).
    enum Framing: Sendable, Hashable {
        /// The status or the method allows no body, and no length is told.
        case none
        case length(Int)
        case chunked
        /// The body ends with the connection; for HTTP/1.0.
        case untilClose
    }

    /// The fields that this server decides and handlers cannot.
    private static let ownFields = [
        "Connection", "Content-Length", "Date", "Keep-Alive", "Transfer-Encoding", "X-Request-Id",
    ]

    /// The status line, the handler's fields, the server's own ones, and the empty line.
    ///
    /// Returns `nil` when a field could split the answer: a name that is no token, or a value with
    /// a control character.
    static func serialize(
        status: Int,
        headers: HTTPHeaders,
        framing: Framing,
        keepsAlive: Bool,
        isHTTP10: Bool,
        requestID: String,
        date: [UInt8]
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320 + headers.count * 48)
        bytes += "HTTP/1.1 \(status) ".utf8
        bytes += reason(of: status).utf8
        for field in headers {
            guard !field.name.isEmpty, ByteSet.token.containsAll(field.name.utf8),
                field.value.utf8.allSatisfy(\.isFieldValueByte)
            else { return nil }
            if ownFields.contains(where: { HTTPHeaders.isSame($0, field.name) }) { continue }
            append(field.name, field.value, to: &bytes)
        }
        if !headers.contains("Cache-Control") { append("Cache-Control", "no-store", to: &bytes) }
        if !headers.contains("X-Content-Type-Options") {
            append("X-Content-Type-Options", "nosniff", to: &bytes)
        }
        append("X-Request-Id", requestID, to: &bytes)
        bytes += "\r\nDate: ".utf8
        bytes += date
        switch framing {
        case .none, .untilClose: break
        case .length(let count): append("Content-Length", String(count), to: &bytes)
        case .chunked: append("Transfer-Encoding", "chunked", to: &bytes)
        }
        if !keepsAlive {
            append("Connection", "close", to: &bytes)
        } else if isHTTP10 {
            append("Connection", "keep-alive", to: &bytes)
        }
        bytes += "\r\n\r\n".utf8
        return bytes
    }

    /// The interim answer that asks for the body (RFC 9110 §15.2.1).
    static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Whether answers of this status have a body at all (RFC 9110 §6.4.1).
    static func allowsBody(status: Int) -> Bool {
        status >= 200 && status != 204 && status != 304
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += [0x0d, 0x0a]
        bytes += name.utf8
        bytes += [0x3a, 0x20]
        bytes += value.utf8
    }

    /// The reason phrase, empty for a status that has none here.
    static func reason(of status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: ""
        }
    }
}
