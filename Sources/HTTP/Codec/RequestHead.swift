/// A request without its body, checked.
package struct RequestHead: Sendable, Hashable {
    /// The method.
    package var method: HTTPMethod
    /// The target, taken apart.
    package var target: RequestTarget
    /// Whether the version is 1.0; else it counts as 1.1.
    package var isHTTP10: Bool
    /// The fields in their order.
    package var headers: HTTPHeaders = [:]
    /// How the body is delimited.
    package var framing = Framing.none
    /// The client waits for `100 Continue` before it sends the body.
    package var expectsContinue = false
    /// The client would use the connection again.
    package var keepsAlive = false

    /// How the body is delimited (RFC 9112 §6.3).
    package enum Framing: Sendable, Hashable {
        case none
        case length(Int)
        case chunked

        /// Whether bytes of a body follow the head.
        var hasBody: Bool {
            switch self {
            case .none: false
            case .length(let count): count > 0
            case .chunked: true
            }
        }
    }
}

extension RequestHead {
    /// Reads `METHOD SP TARGET SP HTTP/1.x` (RFC 9112 §3).
    ///
    /// 1. Exactly two spaces.
    /// 2. The version: exactly "HTTP/", digit, dot, digit; only major version 1.
    /// 3. The method is a token that is known here.
    /// 4. The target.
    init(requestLine line: [UInt8]) throws(HTTPParseError) {
        // 1.
        guard let first = line.firstIndex(of: 0x20),
            let second = line[(first + 1)...].firstIndex(of: 0x20),
            !line[(second + 1)...].contains(0x20)
        else { throw .malformedRequestLine }
        // 2.
        let version = line[(second + 1)...]
        guard version.count == 8, version.starts(with: "HTTP/".utf8),
            version[second + 6].isDigit, version[second + 7] == 0x2e, version[second + 8].isDigit
        else { throw .malformedRequestLine }
        guard version[second + 6] == 0x31 else { throw .unsupportedVersion }
        isHTTP10 = version[second + 8] == 0x30
        // 3.
        let name = line[..<first]
        guard !name.isEmpty, ByteSet.token.containsAll(name) else { throw .malformedRequestLine }
        guard let method = HTTPMethod(rawValue: String(decoding: name, as: UTF8.self)) else {
            throw .unknownMethod
        }
        self.method = method
        // 4.
        target = try RequestTarget(parsing: line[(first + 1)..<second], method: method)
    }

    /// Adds one field line, not empty (RFC 9112 §5).
    mutating func add(fieldLine line: [UInt8], limits: HTTPLimits) throws(HTTPParseError) {
        let field = try FieldLine(parsing: line)
        guard headers.count < limits.maximumHeaderCount else {
            throw .tooManyHeaders(maximumCount: limits.maximumHeaderCount)
        }
        guard field.name.utf8.count <= limits.maximumHeaderNameByteCount else {
            throw .headerNameTooLong(maximumByteCount: limits.maximumHeaderNameByteCount)
        }
        guard field.value.utf8.count <= limits.maximumHeaderValueByteCount else {
            throw .headerValueTooLong(maximumByteCount: limits.maximumHeaderValueByteCount)
        }
        headers.add(field.name, field.value)
    }

    /// Judges the fields as a whole once all are there.
    ///
    /// 1. Host: exactly one and valid in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112 §3.2); equal
    ///    to the target's authority if that has one.
    /// 2. Framing (RFC 9112 §6): a length or chunks, never both.
    /// 3. Expect (RFC 9110 §10.1.1), which HTTP/1.0 does not have.
    /// 4. Fields that say who asks, and in which form, have one meaning or none (RFC 9110 §5.3).
    /// 5. Connection (RFC 9112 §9.3).
    mutating func complete(limits: HTTPLimits) throws(HTTPParseError) {
        // 1.
        try checkHost()
        // 2.
        framing = try readFraming(limits: limits)
        // 3.
        if !isHTTP10 {
            for value in headers[all: "Expect"] {
                guard value.lowercased() == "100-continue" else { throw .unsupportedExpectation }
                expectsContinue = true
            }
        }
        // 4.
        for name in ["Authorization", "Content-Type", "Origin"] {
            guard headers[all: name].count <= 1 else { throw .repeatedField }
        }
        // 5.
        let options = headers.listMembers("Connection")
        keepsAlive =
            isHTTP10
            ? options.contains("keep-alive") && !options.contains("close")
            : !options.contains("close")
    }

    private func checkHost() throws(HTTPParseError) {
        let hosts = headers[all: "Host"]
        guard hosts.count <= 1 else { throw .repeatedHost }
        guard let host = hosts.first else {
            if isHTTP10 { return }
            throw .missingHost
        }
        guard HostName.isValid(Array(host.utf8)[...]) else { throw .invalidHost }
        if let authority = target.authority, authority != host.lowercased() {
            throw .hostDiffersFromTarget
        }
    }

    private func readFraming(limits: HTTPLimits) throws(HTTPParseError) -> Framing {
        let encodings = headers[all: "Transfer-Encoding"]
        let lengths = headers[all: "Content-Length"]
        if let encoding = encodings.first {
            guard lengths.isEmpty else { throw .lengthAndTransferEncoding }
            guard !isHTTP10 else { throw .transferEncodingInHTTP10 }
            guard encodings.count == 1, !encoding.isEmpty else { throw .invalidTransferEncoding }
            let members = headers.listMembers("Transfer-Encoding")
            if encoding.lowercased() == "chunked" { return .chunked }
            // A list that names chunked twice, or not last, is malformed; else it is a coding that
            // this server does not know.
            guard members.filter({ $0 == "chunked" }).count <= 1,
                members.last == "chunked" || !members.contains("chunked"), !members.isEmpty,
                members != ["chunked"]
            else { throw .invalidTransferEncoding }
            throw .unsupportedTransferEncoding
        }
        guard let length = lengths.first else { return .none }
        guard lengths.count == 1 else { throw .repeatedContentLength }
        // 1*DIGIT, at most 19 of them, without leading zeros: one spelling per number.
        guard (1...19).contains(length.utf8.count), length.utf8.allSatisfy(\.isDigit),
            length == "0" || length.utf8.first != 0x30, let count = Int(length)
        else { throw .invalidContentLength }
        guard count <= limits.maximumBodyByteCount else {
            throw .bodyTooLong(maximumByteCount: limits.maximumBodyByteCount)
        }
        return .length(count)
    }
}

/// One header or trailer line taken apart (RFC 9112 §5).
struct FieldLine: Sendable, Hashable {
    var name: String
    /// Without the blanks around it; bytes that are not UTF-8 become U+FFFD.
    var value: String

    init(parsing line: [UInt8]) throws(HTTPParseError) {
        guard let first = line.first, !first.isBlank else { throw .lineFolding }
        guard let colon = line.firstIndex(of: 0x3a) else { throw .malformedField }
        guard colon > 0 else { throw .invalidFieldName }
        // RFC 9112 §5.1: no white space between the name and the colon.
        guard !line[colon - 1].isBlank else { throw .spaceBeforeColon }
        guard ByteSet.token.containsAll(line[..<colon]) else { throw .invalidFieldName }
        var content = line[(colon + 1)...]
        guard content.allSatisfy(\.isFieldValueByte) else { throw .invalidFieldValue }
        while let byte = content.first, byte.isBlank { content = content.dropFirst() }
        while let byte = content.last, byte.isBlank { content = content.dropLast() }
        name = String(decoding: line[..<colon], as: UTF8.self)
        value = String(decoding: content, as: UTF8.self)
    }
}
