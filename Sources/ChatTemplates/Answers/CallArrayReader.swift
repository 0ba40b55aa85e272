/// Reads an array of calls.
struct CallArrayReader: Sendable {
    private enum State: Sendable { case start, first, object, afterObject, next }

    private let isKeyed: Bool
    private let isBare: Bool
    private var state = State.start
    private var reader: CallObjectReader

    init(isKeyed: Bool, isBare: Bool) {
        self.isKeyed = isKeyed
        self.isBare = isBare
        reader = CallObjectReader(isKeyed: isKeyed, isBare: isBare)
    }

    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        if state == .object { return object(byte, &events) }
        if JSONScanner.isSpace(byte) { return .more }
        switch (state, byte) {
        case (.start, UInt8(ascii: "[")): state = .first
        case (.first, UInt8(ascii: "]")): return isBare ? .invalid : .ended
        case (.first, UInt8(ascii: "{")), (.next, UInt8(ascii: "{")):
            state = .object
            reader = CallObjectReader(isKeyed: isKeyed, isBare: isBare)
            return object(byte, &events)
        case (.afterObject, UInt8(ascii: ",")): state = .next
        case (.afterObject, UInt8(ascii: "]")): return .ended
        default: return .invalid
        }
        return .more
    }

    private mutating func object(
        _ byte: UInt8,
        _ events: inout [ToolCallEvent]
    ) -> JSONScanner.Step {
        let step = reader.consume(byte, into: &events)
        if step == .ended {
            state = .afterObject
            return .more
        }
        return step
    }
}
