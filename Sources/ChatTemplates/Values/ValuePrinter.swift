/// Lays values out as Python's `str` and `repr` do, within a rendering's limits.
///
/// Texts keep their provenance; everything that is made around them, such as brackets, numbers and quotes,
/// counts as data, because its shape follows data.
struct ValuePrinter {
    private let meter: RenderMeter
    private(set) var text = MarkedText()

    init(meter: RenderMeter) { self.meter = meter }

    /// Appends the value as `str` gives it: texts themselves, all else as `repr` gives it.
    mutating func print(_ value: TemplateValue) throws(ChatTemplateError) {
        switch value {
        case .text(let content):
            try meter.touch(content.count)
            text.append(content)
        case .undefined: break
        default: try represent(value)
        }
    }

    /// Appends the value as `repr` gives it.
    mutating func represent(_ value: TemplateValue) throws(ChatTemplateError) {
        try meter.step()
        switch value {
        case .undefined: try append("Undefined")
        case .none: try append("None")
        case .bool(let value): try append(value ? "True" : "False")
        case .integer(let value): try append(String(value))
        case .float(let value): try append(value.pythonText)
        case .text(let content): try represent(content)
        case .sequence(let sequence): try represent(sequence)
        case .mapping(let mapping): try represent(mapping)
        case .iterator: try append("<generator object>")
        case .namespace: try append("<Namespace>")
        case .loop(let loop): try append("<LoopContext \(loop.index + 1)/\(loop.elements.count)>")
        case .callable(.macro(let macro)): try append("<Macro '\(macro.definition.name)'>")
        case .callable(.function(let function)): try append("<function \(function.rawValue)>")
        case .callable(.method(_, let name)): try append("<built-in method \(name)>")
        }
    }

    private mutating func append(_ made: String) throws(ChatTemplateError) {
        try meter.touch(made.utf8.count)
        text.append(contentsOf: made.utf8, isTrusted: false)
    }

    private mutating func represent(_ sequence: SequenceValue) throws(ChatTemplateError) {
        try meter.enter()
        defer { meter.leave() }
        let (open, close) =
            switch sequence.kind {
            case .list: ("[", "]")
            case .tuple: ("(", sequence.elements.count == 1 ? ",)" : ")")
            case .view: ("dict_view([", "])")
            }
        try append(open)
        for (index, element) in sequence.elements.enumerated() {
            if index > 0 { try append(", ") }
            try represent(element)
        }
        try append(close)
    }

    private mutating func represent(_ mapping: MappingValue) throws(ChatTemplateError) {
        try meter.enter()
        defer { meter.leave() }
        try append("{")
        for (index, (key, value)) in zip(mapping.keys, mapping.values).enumerated() {
            if index > 0 { try append(", ") }
            try represent(key)
            try append(": ")
            try represent(value)
        }
        try append("}")
    }

    /// A string in quotes: single ones, unless it holds these and no double ones.
    private mutating func represent(_ content: MarkedText) throws(ChatTemplateError) {
        try meter.touch(content.count)
        let hasSingle = content.bytes.contains(UInt8(ascii: "'"))
        let hasDouble = content.bytes.contains(UInt8(ascii: "\""))
        let quote: Unicode.Scalar = hasSingle && !hasDouble ? "\"" : "'"
        try append(String(quote))
        let escaped = content.mapped { scalar in
            switch scalar {
            case quote, "\\": "\\" + String(scalar)
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            default: Self.isPrintable(scalar) ? String(scalar) : Self.escape(scalar)
            }
        }
        text.append(escaped)
        try append(String(quote))
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let (prefix, width) =
            switch scalar.value {
            case ..<0x100: ("\\x", 2)
            case ..<0x10000: ("\\u", 4)
            default: ("\\U", 8)
            }
        return prefix + String(repeating: "0", count: width - digits.count) + digits
    }

    /// What Python's `str.isprintable` takes for printable.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == " " { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator, .spaceSeparator:
            false
        default: true
        }
    }
}

extension Evaluator {
    /// The value as it is printed into the prompt.
    func printedText(of value: TemplateValue) throws(ChatTemplateError) -> MarkedText {
        if case .text(let text) = value { return text }
        var printer = ValuePrinter(meter: meter)
        try printer.print(value)
        return printer.text
    }

    /// The value as Python's `repr` gives it, cut for use in a message.
    func representation(
        of value: TemplateValue,
        maximumCount: Int
    ) throws(ChatTemplateError) -> String {
        var printer = ValuePrinter(meter: meter)
        try printer.represent(value)
        let text = printer.text.string
        return text.count > maximumCount ? text.prefix(maximumCount) + "…" : text
    }
}
