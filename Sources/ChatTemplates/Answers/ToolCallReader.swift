/// What a reader of calls has found.
enum ToolCallEvent: Sendable, Hashable {
    case started(name: String)
    case arguments([UInt8])
    case ended
}

/// Reads the body of a call, byte by byte.
///
/// Models do not always keep to the form they were trained on, so wherever JSON is expected, an object,
/// an array of objects and a name before the arguments are all taken for what they are; and an object is
/// taken everywhere, because that is what models are held to whose own form no grammar describes.
struct ToolCallReader: Sendable {
    private enum Form: Sendable {
        case undecided
        case object(CallObjectReader)
        case array(CallArrayReader)
        case named(NamedCallReader)
        case tagged(TaggedCallReader)
        case literal(LiteralCallReader)
    }

    private var form = Form.undecided
    private let syntax: ToolCallSyntax
    private let tools: [ToolFacts]
    private let isBare: Bool

    /// - Parameters:
    ///   - syntax: How calls are written.
    ///   - tools: The tools there are.
    ///   - isBare: Whether no marker stood before: then only a call of a tool that there is counts.
    init(_ syntax: ToolCallSyntax, tools: [ToolFacts], isBare: Bool) {
        self.syntax = syntax
        self.tools = tools
        self.isBare = isBare
    }

    /// Takes the next byte; what it completes is added to `events`.
    mutating func consume(_ byte: UInt8, into events: inout [ToolCallEvent]) -> JSONScanner.Step {
        if case .undecided = form {
            if JSONScanner.isSpace(byte) { return .more }
            guard choose(byte) else { return .invalid }
        }
        let first = events.count
        let step: JSONScanner.Step
        switch form {
        case .undecided: return .invalid
        case .object(var reader):
            form = .undecided
            step = reader.consume(byte, into: &events)
            form = .object(reader)
        case .array(var reader):
            form = .undecided
            step = reader.consume(byte, into: &events)
            form = .array(reader)
        case .named(var reader):
            form = .undecided
            step = reader.consume(byte, into: &events)
            form = .named(reader)
        case .tagged(var reader):
            form = .undecided
            step = reader.consume(byte, into: &events)
            form = .tagged(reader)
        case .literal(var reader):
            form = .undecided
            step = reader.consume(byte, into: &events)
            form = .literal(reader)
        }
        for case .started(let name) in events[first...] {
            guard !name.isEmpty, name.utf8.count <= Self.maximumNameByteCount else {
                return .invalid
            }
            if isBare, !tools.contains(where: { $0.name == name }) { return .invalid }
        }
        return step
    }

    static let maximumNameByteCount = 256

    /// Decides by the first byte; false if it begins no call.
    private mutating func choose(_ byte: UInt8) -> Bool {
        let isObject = byte == UInt8(ascii: "{")
        switch syntax.body {
        case .tagged where isObject, .braces where isObject, .python where isObject:
            form = .object(CallObjectReader(isKeyed: false, isBare: isBare))
        case .tagged(let tags): form = .tagged(TaggedCallReader(tags, tools: tools))
        case .braces(let quote): form = .literal(LiteralCallReader(.braces(quote: quote)))
        case .python: form = .literal(LiteralCallReader(.python))
        case .object, .array, .keyedArray, .named:
            switch (byte, syntax.body) {
            case (UInt8(ascii: "{"), _):
                form = .object(
                    CallObjectReader(
                        isKeyed: syntax.body == .keyedArray,
                        isBare: isBare,
                        isExact: isBare && syntax.readsUnmarked
                    )
                )
            case (UInt8(ascii: "["), _):
                form = .array(
                    CallArrayReader(isKeyed: syntax.body == .keyedArray, isBare: isBare)
                )
            case (_, .named(let separator)):
                form = .named(NamedCallReader(separator: separator))
            default: return false
            }
        }
        return true
    }
}
