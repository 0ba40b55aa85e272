/// A recursive reader over the bytes of one document.
///
/// The depth limit bounds the recursion.
struct JSONParser {
    /// Longest number literal, in bytes; a double needs fewer than 800 digits to be told exactly.
    static let maximumNumberByteCount = 1024

    let limits: JSONLimits
    /// Index of the next byte to read.
    var position = 0
    private var nodeCount = 0
    private var depth = 0

    init(limits: JSONLimits) { self.limits = limits }

    mutating func parseDocument(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.maximumByteCount else {
            throw JSONError(
                .tooLong(byteCount: bytes.count, maximumByteCount: limits.maximumByteCount),
                at: 0
            )
        }
        skipWhiteSpace(bytes)
        let value = try parseValue(bytes)
        skipWhiteSpace(bytes)
        guard position == bytes.count else { throw JSONError(.trailingBytes, at: position) }
        return value
    }

    private mutating func parseValue(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        nodeCount += 1
        guard nodeCount <= limits.maximumNodeCount else {
            throw JSONError(
                .tooManyNodes(maximumNodeCount: limits.maximumNodeCount),
                at: position
            )
        }
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        switch bytes[position] {
        case UInt8(ascii: "\""):
            position += 1
            return .string(try parseString(bytes))
        case UInt8(ascii: "{"):
            return .object(try parseObject(bytes))
        case UInt8(ascii: "["):
            return .array(try parseArray(bytes))
        case UInt8(ascii: "t"):
            try expectWord("true", bytes)
            return .bool(true)
        case UInt8(ascii: "f"):
            try expectWord("false", bytes)
            return .bool(false)
        case UInt8(ascii: "n"):
            try expectWord("null", bytes)
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try parseNumber(bytes)
        case let byte:
            throw JSONError(.unexpectedByte(byte, expected: "a value"), at: position)
        }
    }

    private mutating func parseArray(_ bytes: Span<UInt8>) throws(JSONError) -> [JSONValue] {
        try enterContainer()
        var elements: [JSONValue] = []
        skipWhiteSpace(bytes)
        if try peek(bytes) == UInt8(ascii: "]") {
            leaveContainer()
            return elements
        }
        while true {
            do throws(JSONError) {
                elements.append(try parseValue(bytes))
            } catch {
                var located = error
                located.path.prepend(.index(elements.count))
                throw located
            }
            skipWhiteSpace(bytes)
            switch try peek(bytes) {
            case UInt8(ascii: ","):
                position += 1
                skipWhiteSpace(bytes)
            case UInt8(ascii: "]"):
                leaveContainer()
                return elements
            case let byte:
                throw JSONError(.unexpectedByte(byte, expected: "',' or ']'"), at: position)
            }
        }
    }

    private mutating func parseObject(_ bytes: Span<UInt8>) throws(JSONError) -> JSONObject {
        try enterContainer()
        var object = JSONObject()
        skipWhiteSpace(bytes)
        if try peek(bytes) == UInt8(ascii: "}") {
            leaveContainer()
            return object
        }
        while true {
            try expect(UInt8(ascii: "\""), "a member's name in quotes", bytes)
            let key = try parseString(bytes)
            skipWhiteSpace(bytes)
            try expect(UInt8(ascii: ":"), "':'", bytes)
            skipWhiteSpace(bytes)
            do throws(JSONError) {
                object.set(key, to: try parseValue(bytes))
            } catch {
                var located = error
                located.path.prepend(.key(key))
                throw located
            }
            skipWhiteSpace(bytes)
            switch try peek(bytes) {
            case UInt8(ascii: ","):
                position += 1
                skipWhiteSpace(bytes)
            case UInt8(ascii: "}"):
                leaveContainer()
                return object
            case let byte:
                throw JSONError(.unexpectedByte(byte, expected: "',' or '}'"), at: position)
            }
        }
    }

    /// Steps over the opening bracket of an array or object.
    private mutating func enterContainer() throws(JSONError) {
        guard depth < limits.maximumDepth else {
            throw JSONError(.tooDeep(maximumDepth: limits.maximumDepth), at: position)
        }
        depth += 1
        position += 1
    }

    /// Steps over the closing bracket of an array or object.
    private mutating func leaveContainer() {
        depth -= 1
        position += 1
    }

    private func peek(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    private mutating func expect(
        _ byte: UInt8,
        _ name: String,
        _ bytes: Span<UInt8>
    ) throws(JSONError) {
        let found = try peek(bytes)
        guard found == byte else {
            throw JSONError(.unexpectedByte(found, expected: name), at: position)
        }
        position += 1
    }

    private mutating func expectWord(
        _ word: StaticString,
        _ bytes: Span<UInt8>
    ) throws(JSONError) {
        for byte in word.description.utf8 {
            let found = try peek(bytes)
            guard found == byte else {
                throw JSONError(.unexpectedByte(found, expected: "'\(word)'"), at: position)
            }
            position += 1
        }
    }

    private mutating func skipWhiteSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}
