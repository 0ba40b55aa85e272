extension JSONParser {
    /// Reads a string; `position` is behind its opening quote and ends behind the closing one.
    mutating func parseString(_ bytes: Span<UInt8>) throws(JSONError) -> String {
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try Self.text(bytes.extracting(start..<position), at: start)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try parseEscapedString(bytes, from: start) }
            if byte < 0x20 { throw JSONError(.controlCharacter(byte), at: position) }
            position += 1
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    /// Goes on with a string at its first backslash, copying into a buffer.
    private mutating func parseEscapedString(
        _ bytes: Span<UInt8>,
        from start: Int
    ) throws(JSONError) -> String {
        var buffer: [UInt8] = []
        Self.append(bytes.extracting(start..<position), to: &buffer)
        while position < bytes.count {
            let runStart = position
            var byte = bytes[position]
            while byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
                position += 1
                guard position < bytes.count else {
                    throw JSONError(.unexpectedEnd, at: position)
                }
                byte = bytes[position]
            }
            Self.append(bytes.extracting(runStart..<position), to: &buffer)
            guard byte >= 0x20 else { throw JSONError(.controlCharacter(byte), at: position) }
            position += 1
            if byte == UInt8(ascii: "\"") { return try Self.text(buffer.span, at: start) }
            try parseEscape(bytes, into: &buffer)
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    /// Reads what follows a backslash and appends what it means (RFC 8259 §7).
    private mutating func parseEscape(
        _ bytes: Span<UInt8>,
        into buffer: inout [UInt8]
    ) throws(JSONError) {
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "u"):
            let scalar = try parseUnicodeEscape(bytes)
            buffer.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw JSONError(.invalidEscape, at: position - 1)
        }
    }

    /// Reads four hexadecimal digits, and those of a second escape when both make a surrogate pair.
    private mutating func parseUnicodeEscape(
        _ bytes: Span<UInt8>
    ) throws(JSONError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let unit = try parseHexadecimalUnit(bytes)
        guard (0xD800...0xDFFF).contains(unit) else { return Unicode.Scalar(unit) ?? replacement }
        guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return replacement }
        let afterFirst = position
        position += 2
        let second = try parseHexadecimalUnit(bytes)
        guard (0xDC00...0xDFFF).contains(second) else {
            // The second escape is no partner; it is read again as a character of its own.
            position = afterFirst
            return replacement
        }
        return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00)) ?? replacement
    }

    private mutating func parseHexadecimalUnit(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                unit = unit << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                unit = unit << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"):
                unit = unit << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default:
                throw JSONError(.invalidEscape, at: position)
            }
            position += 1
        }
        return unit
    }

    private static func append(_ bytes: Span<UInt8>, to buffer: inout [UInt8]) {
        buffer.reserveCapacity(buffer.count + bytes.count)
        for index in bytes.indices { buffer.append(bytes[index]) }
    }

    private static func text(_ bytes: Span<UInt8>, at offset: Int) throws(JSONError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw JSONError(.invalidUTF8, at: offset + error.byteOffsets.lowerBound)
        }
    }
}
