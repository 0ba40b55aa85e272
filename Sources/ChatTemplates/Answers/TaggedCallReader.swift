import JSON

/// Reads a call whose name and arguments stand between tags, and gives the arguments as JSON.
///
/// The text of an argument says nothing of its type, so the tool's schema decides: what may only be a
/// string leaves as it comes; anything else waits for its end, and is what it parses as if the schema
/// allows that, or a string.
struct TaggedCallReader: Sendable {
    private enum State: Sendable {
        case functionStart
        case name
        case between
        case key
        case attribute
        case value
    }

    private let tags: ToolCallTags
    private let tools: [ToolFacts]
    private var state: State
    /// Bytes whose meaning the next ones decide.
    private var held: [UInt8] = []
    private var name = ""
    private var key = ""
    private var value: [UInt8] = []
    private var isValueBegun = false
    private var isPlainText = false
    private var declaresText: Bool?
    private var argumentCount = 0

    init(_ tags: ToolCallTags, tools: [ToolFacts]) {
        self.tags = tags
        self.tools = tools
        state = tags.functionStart.isEmpty ? .name : .functionStart
    }

    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        switch state {
        case .functionStart: return literal(byte, tags.functionStart, then: .name)
        case .name: return nameByte(byte, &events)
        case .between: return between(byte, &events)
        case .key:
            guard let text = text(byte, until: tags.keyEnd) else { return checkedLength }
            key = String(Substring(text).trimmed)
            declaresText = nil
            if tags.valueStart.isEmpty { beginValue() } else { state = .attribute }
            return .more
        case .attribute:
            guard let text = text(byte, until: tags.valueStart) else { return checkedLength }
            declaresText = ["true": true, "false": false][text]
            beginValue()
            return .more
        case .value: return valueByte(byte, &events)
        }
    }

    private static let maximumHeldByteCount = 1024

    private var checkedLength: JSONScanner.Step {
        held.count > Self.maximumHeldByteCount ? .invalid : .more
    }

    // MARK: Parts

    private mutating func literal(
        _ byte: UInt8,
        _ literal: String,
        then next: State
    ) -> JSONScanner.Step {
        if held.isEmpty, JSONScanner.isSpace(byte) { return .more }
        held.append(byte)
        guard literal.utf8.starts(with: held) else { return .invalid }
        if held.count == literal.utf8.count {
            held = []
            state = next
        }
        return .more
    }

    /// What was held before `end`, once `end` is complete.
    private mutating func text(_ byte: UInt8, until end: String) -> String? {
        held.append(byte)
        guard held.suffix(end.utf8.count).elementsEqual(end.utf8) else { return nil }
        defer { held = [] }
        return String(decoding: held.dropLast(end.utf8.count), as: UTF8.self)
    }

    private mutating func nameByte(
        _ byte: UInt8,
        _ events: inout [ToolCallEvent]
    ) -> JSONScanner.Step {
        if tags.nameEnd.isEmpty {
            if held.isEmpty, JSONScanner.isSpace(byte) { return .more }
            guard JSONScanner.isSpace(byte) || byte == UInt8(ascii: "<") else {
                held.append(byte)
                return checkedLength
            }
            begin(String(decoding: held, as: UTF8.self), &events)
            return consume(byte, into: &events)
        }
        guard let text = text(byte, until: tags.nameEnd) else { return checkedLength }
        begin(String(Substring(text).trimmed), &events)
        return .more
    }

    private mutating func begin(_ name: String, _ events: inout [ToolCallEvent]) {
        self.name = name
        held = []
        state = .between
        events.append(.started(name: name))
    }

    private mutating func between(
        _ byte: UInt8,
        _ events: inout [ToolCallEvent]
    ) -> JSONScanner.Step {
        if held.isEmpty, JSONScanner.isSpace(byte) { return .more }
        held.append(byte)
        if held.elementsEqual(tags.parameterStart.utf8) {
            held = []
            state = .key
            return .more
        }
        if held.elementsEqual(tags.functionEnd.utf8) {
            events.append(.arguments(Array((argumentCount == 0 ? "{}" : "}").utf8)))
            events.append(.ended)
            return .ended
        }
        let isOpen =
            tags.parameterStart.utf8.starts(with: held) || tags.functionEnd.utf8.starts(with: held)
        return isOpen ? .more : .invalid
    }

    // MARK: Values

    private mutating func beginValue() {
        state = .value
        value = []
        isValueBegun = false
        let types = tools.first { $0.name == name }?.parameterTypes[key]
        isPlainText = declaresText ?? (types == ["string"])
    }

    private mutating func valueByte(
        _ byte: UInt8,
        _ events: inout [ToolCallEvent]
    ) -> JSONScanner.Step {
        if !isValueBegun {
            isValueBegun = true
            appendArguments("\(argumentCount == 0 ? "{" : ", ")\(Self.quoted(key)): ", &events)
            if isPlainText { appendArguments("\"", &events) }
            argumentCount += 1
            // A newline on each side belongs to the tags.
            if byte == UInt8(ascii: "\n") { return .more }
        }
        held.append(byte)
        while true {
            if held.elementsEqual(tags.parameterEnd.utf8)
                || held.first == UInt8(ascii: "\n")
                    && held.dropFirst().elementsEqual(tags.parameterEnd.utf8)
            {
                return endValue(&events)
            }
            let isOpen =
                tags.parameterEnd.utf8.starts(with: held)
                || held.first == UInt8(ascii: "\n")
                    && tags.parameterEnd.utf8.starts(with: held.dropFirst())
            if isOpen { return .more }
            let released = held.removeFirst()
            if isPlainText {
                events.append(.arguments(Self.escaped(released)))
            } else {
                value.append(released)
            }
        }
    }

    private mutating func endValue(_ events: inout [ToolCallEvent]) -> JSONScanner.Step {
        held = []
        state = .between
        appendArguments(isPlainText ? "\"" : converted(), &events)
        return .more
    }

    /// The collected value as JSON.
    private func converted() -> String {
        let text = String(decoding: value, as: UTF8.self)
        let types = tools.first { $0.name == name }?.parameterTypes[key]
        guard let parsed = try? JSONValue.parse(text) else { return Self.quoted(text) }
        if parsed.stringValue != nil { return declaresText == false ? text : Self.quoted(text) }
        guard let types else { return parsed.serialized() }
        let kinds: Set<String> =
            switch parsed {
            case .null: ["null"]
            case .bool: ["boolean"]
            case .array: ["array"]
            case .object: ["object"]
            default: parsed.intValue == nil ? ["number"] : ["integer", "number"]
            }
        return types.isDisjoint(with: kinds) ? Self.quoted(text) : parsed.serialized()
    }

    private func appendArguments(_ text: String, _ events: inout [ToolCallEvent]) {
        events.append(.arguments(Array(text.utf8)))
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).serialized() }

    /// A byte inside a JSON string.
    private static func escaped(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): return Array("\\n".utf8)
        case 0..<0x20:
            let digits = String(byte, radix: 16)
            return Array("\\u00\(byte < 16 ? "0" : "")\(digits)".utf8)
        default: return [byte]
        }
    }
}
