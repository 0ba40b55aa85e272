/// Why a text is no JSON document, and where.
package struct JSONError: Error, Sendable, Hashable {
    /// What is wrong.
    package enum Reason: Sendable, Hashable {
        /// The text ends inside a value.
        case unexpectedEnd
        /// A byte stands where `expected` should.
        case unexpectedByte(UInt8, expected: String)
        /// Something follows the document.
        case trailingBytes
        /// A string holds bytes that are no UTF-8 (also: UTF-8 of a surrogate, an overlong form).
        case invalidUTF8
        /// A control character (below U+0020) stands in a string unescaped.
        case controlCharacter(UInt8)
        /// A backslash is followed by something that RFC 8259 §7 does not list.
        case invalidEscape
        /// A number breaks the grammar of RFC 8259 §6 (leading zero, missing digit, …).
        case invalidNumber
        /// A number is too large for a double, such as `1e999`.
        case numberOutOfRange
        /// A number literal is longer than 1,024 bytes.
        case numberTooLong
        /// Arrays and objects are nested deeper than the limit.
        case tooDeep(maximumDepth: Int)
        /// The document is longer than the limit.
        case tooLong(byteCount: Int, maximumByteCount: Int)
        /// The document holds more values than the limit.
        case tooManyNodes(maximumNodeCount: Int)
    }

    /// What is wrong.
    package let reason: Reason
    /// The value that was being read; empty for the document itself.
    package internal(set) var path: JSONPath
    /// Bytes before the place of the error.
    package let byteOffset: Int

    init(_ reason: Reason, at byteOffset: Int) {
        self.reason = reason
        self.path = JSONPath()
        self.byteOffset = byteOffset
    }
}

extension JSONError: CustomStringConvertible {
    /// One sentence with the place, fit for an error answer: it quotes names of members, never values.
    package var description: String {
        let place = path.elements.isEmpty ? "" : " in \(path)"
        return "\(reason) at byte \(byteOffset)\(place)"
    }
}

extension JSONError.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unexpectedEnd:
            "the JSON text ends too early"
        case .unexpectedByte(let byte, let expected):
            "expected \(expected) but found \(Self.name(byte))"
        case .trailingBytes:
            "something follows the JSON document"
        case .invalidUTF8:
            "a string is not valid UTF-8"
        case .controlCharacter(let byte):
            "a string holds the control character \(Self.name(byte)), which must be escaped"
        case .invalidEscape:
            "a string holds an escape that JSON does not know"
        case .invalidNumber:
            "a number is malformed"
        case .numberOutOfRange:
            "a number is too large"
        case .numberTooLong:
            "a number has more than \(JSONParser.maximumNumberByteCount) characters"
        case .tooDeep(let maximumDepth):
            "values are nested deeper than \(maximumDepth) levels"
        case .tooLong(let byteCount, let maximumByteCount):
            "the document has \(byteCount) bytes, at most \(maximumByteCount) are allowed"
        case .tooManyNodes(let maximumNodeCount):
            "the document holds more than \(maximumNodeCount) values"
        }
    }

    private static func name(_ byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "'\(Character(Unicode.Scalar(byte)))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "byte 0x" + (digits.count < 2 ? "0" : "") + digits
    }
}
