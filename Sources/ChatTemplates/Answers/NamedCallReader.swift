/// Reads a call that is a name, a separator and the arguments.
///
/// A name may carry what only the model's own bookkeeping needs: the name space `functions.` and a
/// number (Kimi: `functions.NAME:0`), or the call's id (Mistral: `NAME[CALL_ID]…`, Solar: before
/// `<|tool_call:name|>`).
struct NamedCallReader: Sendable {
    private let separator: [UInt8]
    private var name: [UInt8] = []
    private var hasName = false
    private var arguments = ArgumentsReader()

    init(separator: String) {
        self.separator = Array(separator.utf8)
    }

    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        if hasName {
            let step = arguments.consume(byte, into: &events)
            if step == .ended { events.append(.ended) }
            return step == .endedBefore ? .invalid : step
        }
        name.append(byte)
        guard name.count <= 2 * ToolCallReader.maximumNameByteCount else { return .invalid }
        if name.suffix(separator.count).elementsEqual(separator) {
            hasName = true
            let text = String(decoding: name.dropLast(separator.count), as: UTF8.self)
            events.append(.started(name: Self.bareName(text)))
        }
        return .more
    }

    static func bareName(_ text: String) -> String {
        var name = Substring(text)
        if let id = name.firstRange(of: "[CALL_ID]") { name = name[..<id.lowerBound] }
        if let mark = name.firstRange(of: "<|tool_call:name|>") { name = name[mark.upperBound...] }
        name = name.trimmed
        if name.hasPrefix("functions.") { name = name.dropFirst("functions.".count) }
        if let colon = name.lastIndex(of: ":"), name[colon...].dropFirst().allSatisfy(\.isNumber) {
            name = name[..<colon]
        }
        return String(name)
    }
}

extension Substring {
    /// Without white space at both ends.
    var trimmed: Substring {
        var text = drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
