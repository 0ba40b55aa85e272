import JSON

/// Reads calls in a notation of their own, which is turned into JSON once it is whole.
struct LiteralCallReader: Sendable {
    enum Notation: Sendable, Hashable {
        /// `call:NAME{key:value}` with strings between two of the quote.
        case braces(quote: String)
        /// `[NAME(key="value"), …]`.
        case python
    }

    private let notation: Notation
    private var text: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var quote: UInt8 = 0
    private var isEscaped = false

    static let maximumByteCount = 1 << 20

    init(_ notation: Notation) {
        self.notation = notation
    }

    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        if text.isEmpty, JSONScanner.isSpace(byte) { return .more }
        text.append(byte)
        guard text.count <= Self.maximumByteCount else { return .invalid }
        if text.count == 1, notation == .python, byte != UInt8(ascii: "[") { return .invalid }
        guard closes(byte) else { return depth < 0 ? .invalid : .more }
        guard let calls = LiteralCallParser.calls(text, notation) else { return .invalid }
        for call in calls {
            events.append(.started(name: call.name))
            events.append(.arguments(JSONValue.object(call.arguments).serializedBytes()))
            events.append(.ended)
        }
        return .ended
    }

    /// Whether the byte closes what the first bracket opened.
    private mutating func closes(_ byte: UInt8) -> Bool {
        switch notation {
        case .braces(let mark):
            if text.suffix(mark.utf8.count).elementsEqual(mark.utf8) { isInString.toggle() }
            if isInString { return false }
        case .python:
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == quote {
                    isInString = false
                }
                return false
            }
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                isInString = true
                return false
            }
        }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "("): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ")"):
            depth -= 1
            return depth == 0
        default: break
        }
        return false
    }
}
