import JSON

/// Reads the value that holds a call's arguments and gives them as a JSON object.
///
/// An object passes as it is, but for control characters inside strings, which models write and JSON
/// forbids: they are escaped. A string that holds an object, which some models write, is unpacked;
/// null and an empty string are no arguments.
struct ArgumentsReader: Sendable {
    private enum Kind: Sendable { case undecided, object, text, null }

    private var kind = Kind.undecided
    private var scanner = JSONScanner()
    private var collected: [UInt8] = []
    private var waiting: [UInt8] = []

    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        if kind == .undecided {
            switch byte {
            case _ where JSONScanner.isSpace(byte): return .more
            case UInt8(ascii: "{"): kind = .object
            case UInt8(ascii: "\""): kind = .text
            case UInt8(ascii: "n"): kind = .null
            default: return .invalid
            }
        }
        var bytes = [byte]
        if byte < 0x20, scanner.isInString {
            let digits = String(byte, radix: 16)
            bytes = Array("\\u00\(byte < 16 ? "0" : "")\(digits)".utf8)
        }
        var step = JSONScanner.Step.more
        for byte in bytes { step = scanner.consume(byte) }
        switch kind {
        case .object:
            if step != .invalid { events.append(.arguments(bytes)) }
        case .text:
            collected += bytes
            if step == .ended {
                guard let object = unpacked() else { return .invalid }
                events.append(.arguments(object))
            }
        case .null:
            if step == .ended { events.append(.arguments(Array("{}".utf8))) }
        case .undecided: break
        }
        return step
    }

    /// Keeps what cannot leave yet.
    mutating func giveBack(_ events: [ToolCallEvent]) {
        for case .arguments(let bytes) in events { waiting += bytes }
    }

    /// What was kept, if anything.
    mutating func takeWaiting() -> [UInt8]? {
        defer { waiting = [] }
        return waiting.isEmpty ? nil : waiting
    }

    private func unpacked() -> [UInt8]? {
        guard let text = (try? JSONValue.parse(collected))?.stringValue else { return nil }
        if text.allSatisfy(\.isWhitespace) { return Array("{}".utf8) }
        guard (try? JSONValue.parse(text))?.objectValue != nil else { return nil }
        return Array(text.utf8)
    }
}
