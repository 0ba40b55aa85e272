import JSON

/// Turns whole calls in such a notation into names and arguments.
struct LiteralCallParser {
    private static let maximumDepth = 64

    private let text: [UInt8]
    private let quote: [UInt8]?
    private var position = 0
    private var depth = 0

    private init(_ text: [UInt8], quote: String?) {
        self.text = text
        self.quote = quote.map { Array($0.utf8) }
    }

    /// The calls, or nil if the text is not what the notation allows.
    static func calls(
        _ text: [UInt8],
        _ notation: LiteralCallReader.Notation
    ) -> [(name: String, arguments: JSONObject)]? {
        switch notation {
        case .braces(let quote):
            var parser = LiteralCallParser(text, quote: quote)
            guard parser.take("call:"), let name = parser.word(before: "{") else { return nil }
            guard let object = parser.braces(), parser.isAtEnd else { return nil }
            return [(name, object)]
        case .python:
            var parser = LiteralCallParser(text, quote: nil)
            return parser.pythonCalls()
        }
    }

    private var isAtEnd: Bool { position == text.count }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, JSONScanner.isSpace(byte) { position += 1 }
    }

    private mutating func take(_ literal: String) -> Bool {
        guard text[position...].starts(with: literal.utf8) else { return false }
        position += literal.utf8.count
        return true
    }

    /// What stands before a byte, which is not taken; nil if it is empty.
    private mutating func word(before end: Unicode.Scalar) -> String? {
        guard let index = text[position...].firstIndex(of: UInt8(ascii: end)), index > position
        else { return nil }
        defer { position = index }
        return String(Substring(decoding: text[position..<index], as: UTF8.self).trimmed)
    }

    // MARK: Braces

    private mutating func braces() -> JSONObject? {
        guard take("{") else { return nil }
        var object: JSONObject = [:]
        skipSpace()
        if take("}") { return object }
        while true {
            skipSpace()
            guard let key = quotedText() ?? word(before: ":"), take(":"), let value = value()
            else { return nil }
            object[key] = value
            skipSpace()
            if take("}") { return object }
            guard take(",") else { return nil }
        }
    }

    private mutating func quotedText() -> String? {
        guard let quote, text[position...].starts(with: quote) else { return nil }
        var end = position + quote.count
        while end < text.count, !text[end...].starts(with: quote) { end += 1 }
        guard end < text.count else { return nil }
        defer { position = end + quote.count }
        return String(decoding: text[(position + quote.count)..<end], as: UTF8.self)
    }

    // MARK: Python

    private mutating func pythonCalls() -> [(name: String, arguments: JSONObject)]? {
        guard take("[") else { return nil }
        var calls: [(name: String, arguments: JSONObject)] = []
        skipSpace()
        if take("]") { return calls }
        while true {
            guard let name = word(before: "("), take("("), let arguments = keywords() else {
                return nil
            }
            calls.append((name, arguments))
            skipSpace()
            if take("]") { return isAtEnd ? calls : nil }
            guard take(",") else { return nil }
            skipSpace()
        }
    }

    private mutating func keywords() -> JSONObject? {
        var arguments: JSONObject = [:]
        skipSpace()
        if take(")") { return arguments }
        while true {
            guard let key = word(before: "="), take("="), let value = value() else { return nil }
            arguments[key] = value
            skipSpace()
            if take(")") { return arguments }
            guard take(",") else { return nil }
            skipSpace()
        }
    }

    private mutating func pythonText() -> String? {
        guard let mark = next, mark == UInt8(ascii: "'") || mark == UInt8(ascii: "\"") else {
            return nil
        }
        position += 1
        var bytes: [UInt8] = []
        while let byte = next {
            position += 1
            if byte == mark { return String(decoding: bytes, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\"), let escaped = next else {
                bytes.append(byte)
                continue
            }
            position += 1
            switch escaped {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "u"):
                guard let scalar = hexadecimalScalar() else { return nil }
                bytes += Array(String(Character(scalar)).utf8)
            default: bytes.append(escaped)
            }
        }
        return nil
    }

    private mutating func hexadecimalScalar() -> Unicode.Scalar? {
        guard position + 4 <= text.count else { return nil }
        let digits = String(decoding: text[position..<(position + 4)], as: UTF8.self)
        position += 4
        return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
    }

    // MARK: Values of both

    private mutating func value() -> JSONValue? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { return nil }
        skipSpace()
        if let text = quotedText() ?? pythonText() { return .string(text) }
        switch next {
        case UInt8(ascii: "["): return list()
        case UInt8(ascii: "{"):
            return quote == nil ? dictionary() : braces().map { .object($0) }
        default: return scalar()
        }
    }

    private mutating func list() -> JSONValue? {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            guard let element = value() else { return nil }
            elements.append(element)
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { return nil }
        }
    }

    private mutating func dictionary() -> JSONValue? {
        position += 1
        var object: JSONObject = [:]
        skipSpace()
        if take("}") { return .object(object) }
        while true {
            skipSpace()
            guard let key = pythonText() else { return nil }
            skipSpace()
            guard take(":"), let element = value() else { return nil }
            object[key] = element
            skipSpace()
            if take("}") { return .object(object) }
            guard take(",") else { return nil }
        }
    }

    private mutating func scalar() -> JSONValue? {
        let start = position
        while let byte = next, !",]})".utf8.contains(byte), !JSONScanner.isSpace(byte) {
            position += 1
        }
        let word = String(decoding: text[start..<position], as: UTF8.self)
        switch word {
        case "True", "true": return true
        case "False", "false": return false
        case "None", "null": return .null
        default: return try? JSONValue.parse(word)
        }
    }
}
