import JSON

/// Reads one call that is a JSON object: its name and its arguments are members.
///
/// The arguments' bytes go out as they come in once the name is known. Models trained on one pair of
/// keys sometimes write another, so all that are in use are taken. Other members are left out.
struct CallObjectReader: Sendable {
    private enum State: Sendable {
        case start
        case keyOrEnd
        case key
        case colon
        case value
        case afterValue
    }

    private enum Member: Sendable { case name, arguments, other }

    private let isKeyed: Bool
    private let isBare: Bool
    private let isExact: Bool
    private var state = State.start
    private var isFirstKey = true
    private var member = Member.other
    /// Of a key, or of a value that is not passed on at once.
    private var collected: [UInt8] = []
    private var scanner = JSONScanner()
    private var name: String?
    private var arguments = ArgumentsReader()
    private var hasArguments = false
    private var keyCount = 0
    /// From the key `name` on, as far as it is not read yet, if it must be exact.
    private var exact: [UInt8] = []

    private static let nameKeys: Set = ["name", "tool_name", "function"]
    private static let argumentKeys: Set = ["arguments", "parameters", "args"]
    private static let bareFirstKeys: Set = ["name", "tool_name", "function", "type", "id"]

    /// - Parameters:
    ///   - isKeyed: Whether the only key is the name and its value the arguments.
    ///   - isBare: Whether any JSON object may stand here, so that one whose first key is not one of a
    ///     call's is none.
    ///   - isExact: Whether it is a call only if `"name": NAME` comes first, with one space or none, and
    ///     then `"arguments"`: what a grammar can hold to.
    init(isKeyed: Bool, isBare: Bool, isExact: Bool = false) {
        self.isKeyed = isKeyed
        self.isBare = isBare
        self.isExact = isExact
    }

    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        if isExact, keyCount == 1, name == nil { exact.append(byte) }
        switch state {
        case .key: return key(byte, &events)
        case .value: return value(byte, &events)
        default: break
        }
        if JSONScanner.isSpace(byte) { return .more }
        switch (state, byte) {
        case (.start, UInt8(ascii: "{")): state = .keyOrEnd
        case (.keyOrEnd, UInt8(ascii: "\"")): beginKey()
        case (.colon, UInt8(ascii: ":")):
            state = .value
            scanner = JSONScanner()
            collected = []
        case (.afterValue, UInt8(ascii: ",")): state = .keyOrEnd
        case (.afterValue, UInt8(ascii: "}")), (.keyOrEnd, UInt8(ascii: "}")): return end(&events)
        default: return .invalid
        }
        return .more
    }

    private mutating func beginKey() {
        state = .key
        scanner = JSONScanner()
        _ = scanner.consume(UInt8(ascii: "\""))
        collected = [UInt8(ascii: "\"")]
    }

    private mutating func key(
        _ byte: UInt8,
        _ events: inout [ToolCallEvent]
    ) -> JSONScanner.Step {
        collected.append(byte)
        switch scanner.consume(byte) {
        case .more: return .more
        case .ended: break
        case .endedBefore, .invalid: return .invalid
        }
        guard let key = (try? JSONValue.parse(collected))?.stringValue else { return .invalid }
        state = .colon
        if isKeyed {
            guard isFirstKey else { return .invalid }
            name = key
            events.append(.started(name: key))
            member = .arguments
        } else if Self.argumentKeys.contains(key) {
            member = .arguments
        } else {
            member = Self.nameKeys.contains(key) ? .name : .other
        }
        if isBare, isFirstKey, !isKeyed, !Self.bareFirstKeys.contains(key) { return .invalid }
        isFirstKey = false
        keyCount += 1
        if isExact, keyCount <= 2, key != (keyCount == 1 ? "name" : "arguments") {
            return .invalid
        }
        return .more
    }

    private mutating func value(
        _ byte: UInt8,
        _ events: inout [ToolCallEvent]
    ) -> JSONScanner.Step {
        let step: JSONScanner.Step
        if member == .arguments, !hasArguments {
            var found: [ToolCallEvent] = []
            step = arguments.consume(byte, into: &found)
            // Before the name is known they wait in the reader.
            if name != nil { events += found } else { arguments.giveBack(found) }
        } else {
            step = scanner.consume(byte)
            if member == .name, step != .endedBefore { collected.append(byte) }
        }
        switch step {
        case .more: return .more
        case .invalid: return .invalid
        case .ended:
            state = .afterValue
            return endMember(&events)
        case .endedBefore:
            state = .afterValue
            let ended = endMember(&events)
            return ended == .more ? consume(byte, into: &events) : ended
        }
    }

    private mutating func endMember(_ events: inout [ToolCallEvent]) -> JSONScanner.Step {
        switch member {
        case .arguments: hasArguments = true
        case .other: break
        case .name:
            guard name == nil, let text = (try? JSONValue.parse(collected))?.stringValue else {
                return .invalid
            }
            if isExact {
                let value = JSONValue.string(text).serialized()
                let seen = String(decoding: exact, as: UTF8.self)
                guard seen == ":\(value)" || seen == ": \(value)" else { return .invalid }
            }
            name = text
            events.append(.started(name: text))
            if let waiting = arguments.takeWaiting() { events.append(.arguments(waiting)) }
        }
        return .more
    }

    private func end(_ events: inout [ToolCallEvent]) -> JSONScanner.Step {
        guard name != nil else { return .invalid }
        if !hasArguments { events.append(.arguments(Array("{}".utf8))) }
        events.append(.ended)
        return .ended
    }
}
