/// The parts of a request target (RFC 9112 §3.2).
package struct RequestTarget: Sendable, Hashable {
    /// As it came.
    package var text: String
    /// The path as it came: "/…" or "*".
    package var rawPath: String
    /// The path percent-decoded once.
    package var path: String
    /// What follows the first "?".
    package var query: String?
    /// Host and port of the absolute form, lower case.
    package var authority: String?

    /// Reads a target.
    ///
    /// 1. Only visible ASCII, and no fragment.
    /// 2. "*" only for OPTIONS.
    /// 3. The origin form begins with "/".
    /// 4. The absolute form is an http or https URL; its empty path means "/".
    /// 5. The path decodes to text without control characters and without ".." segments.
    init(parsing bytes: ArraySlice<UInt8>, method: HTTPMethod) throws(HTTPParseError) {
        // 1.
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x23 }) else {
            throw .invalidTarget(.forbiddenCharacter)
        }
        text = String(decoding: bytes, as: UTF8.self)
        var rest = bytes
        // 2.
        if bytes.elementsEqual([0x2a]) {
            guard method == .options else { throw .invalidTarget(.unknownForm) }
            (rawPath, path) = ("*", "*")
            return
        }
        // 3. and 4.
        if rest.first != 0x2f {
            let end = try Self.authorityEnd(rest)
            guard let slashes = rest.firstIndex(of: 0x2f) else {
                throw .invalidTarget(.unknownForm)
            }
            let host = rest[(slashes + 2)..<end]
            guard HostName.isValid(host) else { throw .invalidTarget(.invalidAuthority) }
            authority = String(decoding: host, as: UTF8.self).lowercased()
            rest = rest[end...]
        }
        let mark = rest.firstIndex(of: 0x3f) ?? rest.endIndex
        if mark < rest.endIndex {
            query = String(decoding: rest[(mark + 1)...], as: UTF8.self)
        }
        let rawPath = rest[..<mark]
        self.rawPath = rawPath.isEmpty ? "/" : String(decoding: rawPath, as: UTF8.self)
        // 5.
        path = rawPath.isEmpty ? "/" : try Self.decode(rawPath, text: self.rawPath)
    }

    /// Where the authority of an absolute form ends.
    private static func authorityEnd(_ bytes: ArraySlice<UInt8>) throws(HTTPParseError) -> Int {
        for scheme in ["http://", "https://"] {
            let prefix = bytes.prefix(scheme.utf8.count).map { $0 >= 0x41 ? $0 | 0x20 : $0 }
            if prefix.elementsEqual(scheme.utf8) {
                let start = bytes.startIndex + prefix.count
                let isEnd = { (byte: UInt8) in byte == 0x2f || byte == 0x3f }
                return bytes[start...].firstIndex(where: isEnd) ?? bytes.endIndex
            }
        }
        throw .invalidTarget(.unknownForm)
    }

    private static func decode(
        _ raw: ArraySlice<UInt8>,
        text: String
    ) throws(HTTPParseError) -> String {
        guard raw.contains(0x25) else {
            if raw.contains(0x2e) { try refuseParentSegments(raw) }
            return text
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            var byte = raw[index]
            if byte == 0x25 {
                guard index + 2 < raw.endIndex, let high = raw[index + 1].hexadecimalValue,
                    let low = raw[index + 2].hexadecimalValue
                else { throw .invalidTarget(.invalidPercentEncoding) }
                byte = high << 4 | low
                guard byte >= 0x20 && byte != 0x7f else {
                    throw .invalidTarget(.invalidPercentEncoding)
                }
                index += 2
            }
            decoded.append(byte)
            index += 1
        }
        try refuseParentSegments(decoded[...])
        guard let path = String(validating: decoded, as: UTF8.self) else {
            throw .invalidTarget(.invalidPercentEncoding)
        }
        return path
    }

    private static func refuseParentSegments(_ path: ArraySlice<UInt8>) throws(HTTPParseError) {
        for segment in path.split(separator: 0x2f) where segment.elementsEqual([0x2e, 0x2e]) {
            throw .invalidTarget(.parentSegment)
        }
    }
}

/// The grammar of `uri-host [":" port]` (RFC 9110 §7.2), without user information.
enum HostName {
    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        var host = bytes
        if bytes.first == 0x5b {
            guard let end = bytes.firstIndex(of: 0x5d) else { return false }
            let literal = bytes[(bytes.startIndex + 1)..<end]
            guard literal.contains(0x3a), ByteSet.addressLiteral.containsAll(literal) else {
                return false
            }
            host = bytes[(end + 1)...]
            if host.isEmpty { return true }
            guard host.first == 0x3a else { return false }
            return isPort(host.dropFirst())
        }
        if let colon = bytes.firstIndex(of: 0x3a) {
            guard isPort(bytes[(colon + 1)...]) else { return false }
            host = bytes[..<colon]
        }
        return !host.isEmpty && ByteSet.registeredName.containsAll(host)
    }

    /// Digits up to 65535; empty is allowed (RFC 3986 §3.2.3).
    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count <= 5, bytes.allSatisfy(\.isDigit) else { return false }
        return bytes.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65_535
    }
}
