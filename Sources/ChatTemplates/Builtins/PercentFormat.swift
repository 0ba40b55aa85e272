/// Python's `format % values`, with the conversions that templates use.
enum PercentFormat {
    static func format(
        _ format: MarkedText,
        _ value: TemplateValue,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        var values = [value]
        if case .sequence(let sequence) = value, sequence.kind == .tuple {
            values = sequence.elements
        }
        var next = values[...]
        var result = MarkedText()
        var start = 0
        try evaluator.meter.touch(format.count)
        while let percent = format.bytes[start...].firstIndex(of: UInt8(ascii: "%")) {
            result.append(format, in: start..<percent)
            var cursor = percent + 1
            let specification = readSpecification(format.bytes, &cursor)
            guard cursor < format.count else {
                throw ChatTemplateError(.type, "a format ends behind '%'")
            }
            let conversion = format.bytes[cursor]
            start = cursor + 1
            if conversion == UInt8(ascii: "%") {
                result.append(format, in: cursor..<start)
                continue
            }
            guard let value = next.popFirst() else {
                throw ChatTemplateError(.type, "the format has more places than there are values")
            }
            let text = try convert(value, conversion, specification, evaluator: evaluator)
            try evaluator.meter.touch(text.count)
            result.append(text)
        }
        result.append(format, in: start..<format.count)
        var isMapping = false
        if case .mapping = value { isMapping = true }
        guard next.isEmpty || isMapping else {
            throw ChatTemplateError(.type, "the format has fewer places than there are values")
        }
        return result
    }

    /// Reads `-05.2` and the like: flags, width and precision.
    private static func readSpecification(
        _ bytes: [UInt8],
        _ cursor: inout Int
    ) -> FormatSpecification {
        var specification = FormatSpecification()
        while cursor < bytes.count {
            switch bytes[cursor] {
            case UInt8(ascii: "-"): specification.alignment = "<"
            case UInt8(ascii: "0"): specification.fill = "0"
            case UInt8(ascii: "+"): specification.sign = "+"
            default:
                specification.width = FormatSpecification.readNumber(bytes, &cursor)
                if cursor < bytes.count, bytes[cursor] == UInt8(ascii: ".") {
                    cursor += 1
                    specification.precision = FormatSpecification.readNumber(bytes, &cursor) ?? 0
                }
                return specification
            }
            cursor += 1
        }
        return specification
    }

    private static func convert(
        _ value: TemplateValue,
        _ conversion: UInt8,
        _ specification: FormatSpecification,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        var specification = specification
        switch conversion {
        case UInt8(ascii: "s"):
            specification.alignment = specification.alignment ?? ">"
            specification.fill = " "
            let text = try evaluator.printedText(of: value)
            return try specification.lay(text, evaluator: evaluator)
        case UInt8(ascii: "r"):
            var printer = ValuePrinter(meter: evaluator.meter)
            try printer.represent(value)
            return try specification.lay(printer.text, evaluator: evaluator)
        case UInt8(ascii: "d"), UInt8(ascii: "i"): specification.conversion = "d"
        case UInt8(ascii: "f"): specification.conversion = "f"
        case UInt8(ascii: "x"): specification.conversion = "x"
        default:
            let name = Unicode.Scalar(conversion)
            throw ChatTemplateError(.unsupported, "the conversion '%\(name)' is not available")
        }
        guard let number = value.number else {
            throw ChatTemplateError(.type, "the format needs a number, not a \(value.typeName)")
        }
        return try specification.lay(number, evaluator: evaluator)
    }
}
