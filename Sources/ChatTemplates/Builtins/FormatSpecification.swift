/// How one value is laid out: the part behind `:` in `str.format`, or behind `%`.
struct FormatSpecification {
    /// The widest field and the most digits that are allowed.
    private static let maximumWidth = 1000

    var fill: Unicode.Scalar = " "
    /// `<`, `>` or `^`; nil is the type's own side.
    var alignment: Unicode.Scalar?
    var sign: Unicode.Scalar?
    var width: Int?
    var groupsThousands = false
    var precision: Int?
    var conversion: Unicode.Scalar?

    init() {}

    /// Reads `[[fill]align][sign][0][width][,][.precision][type]`.
    init(_ text: String) throws(ChatTemplateError) {
        var scalars = Array(text.unicodeScalars)[...]
        let alignments: Set<Unicode.Scalar> = ["<", ">", "^"]
        if scalars.count > 1, alignments.contains(scalars[scalars.startIndex + 1]) {
            fill = scalars.removeFirst()
        }
        if let first = scalars.first, alignments.contains(first) {
            alignment = scalars.removeFirst()
        }
        if let first = scalars.first, first == "+" || first == "-" { sign = scalars.removeFirst() }
        if scalars.first == "0" {
            fill = "0"
            scalars.removeFirst()
        }
        width = Self.takeNumber(&scalars)
        if scalars.first == "," {
            groupsThousands = true
            scalars.removeFirst()
        }
        if scalars.first == "." {
            scalars.removeFirst()
            precision = Self.takeNumber(&scalars)
        }
        conversion = scalars.popFirst()
        guard scalars.isEmpty, conversion.map({ "sdfx%".unicodeScalars.contains($0) }) ?? true
        else {
            throw ChatTemplateError(
                .unsupported,
                "the format '\(text.prefix(40))' is not available"
            )
        }
    }

    private static func takeNumber(_ scalars: inout ArraySlice<Unicode.Scalar>) -> Int? {
        var number: Int?
        while let first = scalars.first, ("0"..."9").contains(first) {
            number = min((number ?? 0) * 10 + Int(first.value) - 48, maximumWidth)
            scalars.removeFirst()
        }
        return number
    }

    /// Reads a decimal number, cut to the widest field that is allowed.
    static func readNumber(_ bytes: [UInt8], _ cursor: inout Int) -> Int? {
        var number: Int?
        while cursor < bytes.count, (48...57).contains(bytes[cursor]) {
            number = min((number ?? 0) * 10 + Int(bytes[cursor]) - 48, maximumWidth)
            cursor += 1
        }
        return number
    }

    /// Lays a value out by its type.
    func lay(
        _ value: TemplateValue,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        if conversion != "s", let number = value.number {
            if case .bool = value, conversion == nil, width == nil {
                return try evaluator.printedText(of: value)
            }
            return try lay(number, evaluator: evaluator)
        }
        guard conversion == nil || conversion == "s" else {
            throw ChatTemplateError(.type, "the format needs a number, not a \(value.typeName)")
        }
        return try lay(try evaluator.printedText(of: value), evaluator: evaluator)
    }

    /// Cuts a text to the precision and pads it to the width.
    func lay(_ text: MarkedText, evaluator: Evaluator) throws(ChatTemplateError) -> MarkedText {
        var text = text
        if let precision {
            let offsets = text.scalarOffsets
            if precision < offsets.count - 1 { text = text[0..<offsets[precision]] }
        }
        return try pad(text, alignment: alignment ?? "<", evaluator: evaluator)
    }

    /// Lays a number out.
    func lay(_ number: TemplateNumber, evaluator: Evaluator) throws(ChatTemplateError) -> MarkedText
    {
        var digits: String
        switch (conversion, number) {
        case ("x", .integer(let value)): digits = String(value, radix: 16)
        case ("f", _): digits = Self.fixed(number.double, precision ?? 6)
        case ("%", _): digits = Self.fixed(number.double * 100, precision ?? 6) + "%"
        case ("d", .float(let value)):
            guard value.magnitude < 0x1p63 else {
                throw ChatTemplateError(.type, "the number is too large to be written")
            }
            digits = String(Int(value))
        case (_, .integer(let value)): digits = String(value)
        case (_, .float(let value)):
            digits = precision.map { Self.fixed(value, $0) } ?? value.pythonText
        }
        if groupsThousands { digits = Self.group(digits) }
        if sign == "+", !digits.hasPrefix("-") { digits = "+" + digits }
        if fill == "0", alignment == nil, let width, digits.utf8.count < width {
            let isSigned = digits.hasPrefix("-") || digits.hasPrefix("+")
            let zeros = String(repeating: "0", count: width - digits.utf8.count)
            digits = digits.prefix(isSigned ? 1 : 0) + zeros + digits.dropFirst(isSigned ? 1 : 0)
        }
        let text = MarkedText(digits, isTrusted: false)
        return try pad(text, alignment: alignment ?? ">", evaluator: evaluator)
    }

    private func pad(
        _ text: MarkedText,
        alignment: Unicode.Scalar,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        guard let width else { return text }
        let missing = width - text.scalarCount
        guard missing > 0 else { return text }
        let leading = alignment == "<" ? 0 : alignment == ">" ? missing : missing / 2
        let filler = MarkedText(String(fill), isTrusted: text.isTrusted)
        return MarkedText.joined([
            try evaluator.repeated(filler, leading), text,
            try evaluator.repeated(filler, missing - leading),
        ])
    }

    private static func group(_ digits: String) -> String {
        let whole = digits.prefix { $0 != "." }
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            let left = whole.count - index
            if index > 0, left % 3 == 0, grouped != "-" { grouped += "," }
            grouped.append(digit)
        }
        return grouped + digits.dropFirst(whole.count)
    }

    /// A number with a fixed count of decimals, the last one rounded half to even on the exact value as
    /// far as 18 digits reach.
    static func fixed(_ value: Double, _ precision: Int) -> String {
        guard value.isFinite else { return value.pythonText }
        let decimals = min(precision, 17)
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded(.toNearestOrEven)
        guard scaled < 0x1p63 else { return value.pythonText }
        var digits = String(Int(scaled))
        while digits.utf8.count <= decimals { digits = "0" + digits }
        let whole = digits.dropLast(decimals)
        let zeros = String(repeating: "0", count: precision - decimals)
        let fraction = precision == 0 ? "" : "." + digits.suffix(decimals) + zeros
        return (value.sign == .minus ? "-" : "") + whole + fraction
    }
}
