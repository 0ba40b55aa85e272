/// Lays values out as Python's `json.dumps` does, which is what `tojson` means in chat templates.
///
/// Texts keep their provenance, escapes included; what is made around them counts as data.
struct JSONPrinter {
    /// The options of `json.dumps`.
    struct Options {
        var ensuresASCII = false
        /// The white space of one level; nil puts everything on one line.
        var indentation: MarkedText?
        var itemSeparator: MarkedText
        var keySeparator: MarkedText
        var sortsKeys = false
    }

    private let meter: RenderMeter
    private let options: Options
    private(set) var text = MarkedText()
    private var nesting = 0

    init(meter: RenderMeter, options: Options) {
        self.meter = meter
        self.options = options
    }

    mutating func print(_ value: TemplateValue) throws(ChatTemplateError) {
        try meter.step()
        switch value {
        case .none: try append("null")
        case .bool(let value): try append(value ? "true" : "false")
        case .integer(let value): try append(String(value))
        case .float(let value): try append(Self.number(value))
        case .text(let content): try print(content)
        case .sequence(let sequence) where sequence.kind != .view:
            try printAll("[", "]", count: sequence.elements.count) {
                (printer, index) throws(ChatTemplateError) in
                try printer.print(sequence.elements[index])
            }
        case .mapping(let mapping):
            try print(mapping)
        default:
            throw ChatTemplateError(
                value.isUndefined ? .undefined : .type,
                "tojson cannot write a value of type \(value.typeName)"
            )
        }
    }

    private static func number(_ value: Double) -> String {
        value.isNaN
            ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : value.pythonText
    }

    private mutating func append(_ made: String) throws(ChatTemplateError) {
        try meter.touch(made.utf8.count)
        text.append(contentsOf: made.utf8, isTrusted: false)
    }

    private mutating func append(_ made: MarkedText) throws(ChatTemplateError) {
        try meter.touch(made.count)
        text.append(made)
    }

    private mutating func print(_ mapping: MappingValue) throws(ChatTemplateError) {
        var entries = Array(zip(mapping.keys, mapping.values))
        if options.sortsKeys {
            try meter.step(entries.count)
            for (key, _) in entries {
                guard case .text = key else {
                    throw ChatTemplateError(.type, "tojson can only sort keys that are strings")
                }
            }
            entries.sort { left, right in
                guard case (.text(let left), .text(let right)) = (left.0, right.0) else {
                    return false
                }
                return left < right
            }
        }
        try printAll("{", "}", count: entries.count) { (printer, index) throws(ChatTemplateError) in
            try printer.print(key: entries[index].0)
            try printer.append(printer.options.keySeparator)
            try printer.print(entries[index].1)
        }
    }

    private mutating func print(key: TemplateValue) throws(ChatTemplateError) {
        switch key {
        case .text(let content): try print(content)
        case .none: try append("\"null\"")
        case .bool(let value): try append(value ? "\"true\"" : "\"false\"")
        case .integer(let value): try append("\"\(value)\"")
        case .float(let value): try append("\"\(Self.number(value))\"")
        default:
            throw ChatTemplateError(.type, "tojson cannot write a key of type \(key.typeName)")
        }
    }

    private mutating func printAll(
        _ open: String,
        _ close: String,
        count: Int,
        _ printOne: (inout JSONPrinter, Int) throws(ChatTemplateError) -> Void
    ) throws(ChatTemplateError) {
        try append(open)
        try meter.enter()
        defer { meter.leave() }
        nesting += 1
        for index in 0..<count {
            if index > 0 { try append(options.itemSeparator) }
            try breakLine()
            try printOne(&self, index)
        }
        nesting -= 1
        if count > 0 { try breakLine() }
        try append(close)
    }

    private mutating func breakLine() throws(ChatTemplateError) {
        guard let indentation = options.indentation else { return }
        try append("\n")
        for _ in 0..<nesting { try append(indentation) }
    }

    private mutating func print(_ content: MarkedText) throws(ChatTemplateError) {
        try meter.touch(content.count * 2)
        try append("\"")
        let ensuresASCII = options.ensuresASCII
        text.append(content.mapped { Self.escape($0, ensuresASCII: ensuresASCII) })
        try append("\"")
    }

    private static func escape(_ scalar: Unicode.Scalar, ensuresASCII: Bool) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\u{8}": return "\\b"
        case "\u{C}": return "\\f"
        default: break
        }
        guard scalar.value < 0x20 || (ensuresASCII && scalar.value > 0x7E) else {
            return String(scalar)
        }
        return UTF16.encode(scalar)?
            .map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
            .joined() ?? ""
    }
}
