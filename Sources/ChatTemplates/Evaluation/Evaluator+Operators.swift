extension Evaluator {
    /// The values that a `for` statement or a filter goes through, as Python iterates over them.
    func elements(of value: TemplateValue) throws(ChatTemplateError) -> [TemplateValue] {
        switch value {
        case .sequence(let sequence): return sequence.elements
        case .mapping(let mapping): return mapping.keys
        case .iterator(let iterator): return try iterator.takeAll()
        case .undefined: return []
        case .text(let text):
            try meter.touch(elementCount: text.count)
            return text.characters.map { .text($0) }
        default:
            throw ChatTemplateError(.type, "a \(value.typeName) cannot be iterated over")
        }
    }

    func compare(
        _ left: TemplateValue,
        _ operation: Comparison,
        _ right: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        switch operation {
        case .equal: try areEqual(left, right)
        case .notEqual: try !areEqual(left, right)
        case .less: try isLess(left, right, "<")
        case .greater: try isLess(right, left, ">")
        case .lessOrEqual: try isOrdered(left, right, "<=")
        case .greaterOrEqual: try isOrdered(right, left, ">=")
        case .isIn: try contains(right, left)
        case .isNotIn: try !contains(right, left)
        }
    }

    private func isOrdered(
        _ left: TemplateValue,
        _ right: TemplateValue,
        _ symbol: String
    ) throws(ChatTemplateError) -> Bool {
        if try isLess(left, right, symbol) { return true }
        return try areEqual(left, right)
    }

    /// Python's `==`.
    func areEqual(
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        try meter.step()
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let left), .text(let right)):
            if left.count == right.count { try meter.touch(left.count) }
            return left == right
        case (.sequence(let left), .sequence(let right)):
            guard left.kind == right.kind, left.elements.count == right.elements.count else {
                return false
            }
            try meter.enter()
            defer { meter.leave() }
            for (left, right) in zip(left.elements, right.elements)
            where try !areEqual(left, right) {
                return false
            }
            return true
        case (.mapping(let left), .mapping(let right)):
            guard left.count == right.count else { return false }
            try meter.enter()
            defer { meter.leave() }
            for entry in left.entries {
                guard let other = right[entry.key], try areEqual(entry.value, other) else {
                    return false
                }
            }
            return true
        case (.namespace(let left), .namespace(let right)): return left === right
        case (.iterator(let left), .iterator(let right)): return left === right
        case (.loop(let left), .loop(let right)): return left === right
        default:
            guard let left = left.number, let right = right.number else { return false }
            return left == right
        }
    }

    /// Python's `<`; `symbol` is the operator as the template has it, for the error.
    func isLess(
        _ left: TemplateValue,
        _ right: TemplateValue,
        _ symbol: String = "<"
    ) throws(ChatTemplateError) -> Bool {
        try meter.step()
        if let left = left.number, let right = right.number { return left < right }
        switch (left, right) {
        case (.text(let left), .text(let right)):
            try meter.touch(min(left.count, right.count))
            return left < right
        case (.sequence(let left), .sequence(let right)) where left.kind == right.kind:
            try meter.enter()
            defer { meter.leave() }
            for (left, right) in zip(left.elements, right.elements)
            where try !areEqual(left, right) {
                return try isLess(left, right, symbol)
            }
            return left.elements.count < right.elements.count
        case (.undefined(let reason), _), (_, .undefined(let reason)):
            throw ChatTemplateError(.undefined, "\(reason), so '\(symbol)' cannot be applied to it")
        default:
            throw ChatTemplateError(
                .type,
                "'\(symbol)' cannot compare \(left.typeName) with \(right.typeName)"
            )
        }
    }

    /// Python's `in`.
    func contains(
        _ container: TemplateValue,
        _ value: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = value else {
                throw ChatTemplateError(
                    .type,
                    "'in' looks for a string in a string, not for a \(value.typeName)"
                )
            }
            try meter.touch(text.count)
            return text.firstOffset(of: part) != nil
        case .mapping(let mapping):
            guard let key = MappingValue.key(value) else { return false }
            return mapping[key] != nil
        case .sequence, .iterator, .undefined:
            for element in try elements(of: container) where try areEqual(element, value) {
                return true
            }
            return false
        default:
            throw ChatTemplateError(.type, "'in' cannot look into a \(container.typeName)")
        }
    }

    func calculate(
        _ operation: ArithmeticOperation,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch (operation, left, right) {
        case (.add, .text(let left), .text(let right)):
            try meter.touch(left.count + right.count)
            var sum = left
            sum.append(right)
            return .text(sum)
        case (.add, .sequence(let left), .sequence(let right))
        where left.kind == right.kind && left.kind != .view:
            return try meter.list(left.elements + right.elements, left.kind)
        case (.remainder, .text(let format), _):
            return .text(try PercentFormat.format(format, right, evaluator: self))
        case (.multiply, .text(let text), _):
            if let count = right.integer { return .text(try repeated(text, count)) }
        case (.multiply, _, .text(let text)):
            if let count = left.integer { return .text(try repeated(text, count)) }
        case (.multiply, .sequence(let sequence), _):
            if let count = right.integer { return try repeated(sequence, count) }
        case (.multiply, _, .sequence(let sequence)):
            if let count = left.integer { return try repeated(sequence, count) }
        case (_, .undefined(let reason), _), (_, _, .undefined(let reason)):
            throw ChatTemplateError(
                .undefined,
                "\(reason), so '\(operation.rawValue)' cannot be applied to it"
            )
        default: break
        }
        guard let leftNumber = left.number, let rightNumber = right.number else {
            throw ChatTemplateError(
                .type,
                "'\(operation.rawValue)' does not fit \(left.typeName) and \(right.typeName)"
                    + (operation == .add ? "; join texts with '~'" : "")
            )
        }
        return try Arithmetic.calculate(operation, leftNumber, rightNumber)
    }

    /// A text several times over; charged before it is made.
    func repeated(_ text: MarkedText, _ count: Int) throws(ChatTemplateError) -> MarkedText {
        guard count > 0, !text.isEmpty else { return MarkedText() }
        let (byteCount, overflow) = text.count.multipliedReportingOverflow(by: count)
        try meter.touch(overflow ? .max : byteCount)
        return MarkedText.joined(Array(repeating: text, count: count))
    }

    private func repeated(
        _ sequence: SequenceValue,
        _ count: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        let times = max(0, count)
        let (total, overflow) = sequence.elements.count.multipliedReportingOverflow(by: times)
        try meter.touch(elementCount: overflow ? .max : total)
        var elements: [TemplateValue] = []
        for _ in 0..<(sequence.elements.isEmpty ? 0 : times) { elements += sequence.elements }
        return try meter.list(elements, sequence.kind)
    }
}
