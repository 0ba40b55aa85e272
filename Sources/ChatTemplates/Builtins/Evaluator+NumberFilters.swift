extension Evaluator {
    func applyNumberFilter(
        _ filter: ValueFilter,
        _ arguments: inout CallArguments,
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch filter {
        case .default, .d:
            let standard = arguments.take("default_value") ?? .text(MarkedText())
            let replacesFalse = arguments.takeBool("boolean") ?? false
            let isMissing = value.isUndefined || (replacesFalse && !value.isTruthy)
            return isMissing ? standard : value
        case .int:
            let standard = arguments.take("default") ?? .integer(0)
            let base = try arguments.takeInteger("base") ?? 10
            return try Self.integer(value, base: base) ?? standard
        case .float:
            let standard = arguments.take("default") ?? .float(0)
            return Self.float(value) ?? standard
        case .round:
            return try round(value, &arguments)
        default:
            switch value.number {
            case .integer(let value)?:
                guard value != .min else {
                    throw ChatTemplateError(.limit, "an integer is too large for 64 bits")
                }
                return .integer(abs(value))
            case .float(let value)?: return .float(abs(value))
            case nil:
                throw ChatTemplateError(.type, "abs needs a number, not a \(value.typeName)")
            }
        }
    }

    /// Python's `int`, or nil where it raises.
    private static func integer(
        _ value: TemplateValue,
        base: Int
    ) throws(ChatTemplateError) -> TemplateValue? {
        switch value {
        case .undefined(let reason):
            throw ChatTemplateError(.undefined, "\(reason), so 'int' cannot be applied to it")
        case .text(let text):
            guard (2...36).contains(base) else {
                throw ChatTemplateError(.type, "int's base must be between 2 and 36")
            }
            var digits = text.trimmed(.both).string.filter { $0 != "_" }
            let prefix = [2: "0b", 8: "0o", 16: "0x"][base]
            if let prefix, digits.lowercased().hasPrefix(prefix) { digits.removeFirst(2) }
            if let number = Int(digits, radix: base) { return .integer(number) }
            guard case .float(let float)? = float(value) else { return nil }
            return integer(float)
        default:
            switch value.number {
            case .integer(let number)?: return .integer(number)
            case .float(let number)?: return integer(number)
            case nil: return nil
            }
        }
    }

    private static func integer(_ value: Double) -> TemplateValue? {
        value > -0x1p63 && value < 0x1p63 ? .integer(Int(value)) : nil
    }

    /// Python's `float`, or nil where it raises.
    private static func float(_ value: TemplateValue) -> TemplateValue? {
        guard case .text(let text) = value else { return value.number.map { .float($0.double) } }
        let digits = text.trimmed(.both).string
        guard !digits.lowercased().contains("x") else { return nil }
        return Double(digits).map { .float($0) }
    }

    private func round(
        _ value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let precision = try arguments.takeInteger("precision") ?? 0
        let method = try arguments.takeText("method")?.string ?? "common"
        guard let number = value.number else {
            throw ChatTemplateError(.type, "round needs a number, not a \(value.typeName)")
        }
        let rules: [String: FloatingPointRoundingRule] = [
            "common": .toNearestOrEven, "floor": .down, "ceil": .up,
        ]
        guard let rule = rules[method] else {
            throw ChatTemplateError(.type, "round's method is 'common', 'ceil' or 'floor'")
        }
        if method == "common", case .integer(let integer) = number, precision >= 0 {
            return .integer(integer)
        }
        var scale = 1.0
        for _ in 0..<min(precision.magnitude, 300) { scale *= 10 }
        let scaled = precision < 0 ? number.double / scale : number.double * scale
        let rounded = scaled.rounded(rule)
        return .float(precision < 0 ? rounded * scale : rounded / scale)
    }
}
