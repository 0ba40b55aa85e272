extension Evaluator {
    /// The value of an expression.
    func evaluate(_ expression: TemplateExpression) throws(ChatTemplateError) -> TemplateValue {
        do throws(ChatTemplateError) {
            try meter.step()
            switch expression.form {
            case .literal(let literal): return Self.value(of: literal)
            case .name(let slot): return lookUp(slot)
            default:
                try meter.enter()
                defer { meter.leave() }
                return try evaluate(expression.form)
            }
        } catch {
            throw located(error, at: expression.position)
        }
    }

    private static func value(of literal: TemplateLiteral) -> TemplateValue {
        switch literal {
        case .none: .none
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .float(let value): .float(value)
        case .text(let text): .text(text)
        }
    }

    private func lookUp(_ slot: Int) -> TemplateValue {
        scope.lookUp(slot) ?? .undefined("'\(tree.names[slot])' is undefined")
    }

    private func evaluate(
        _ form: TemplateExpression.Form
    ) throws(ChatTemplateError) -> TemplateValue {
        switch form {
        case .attribute(let operand, let name):
            return try attribute(name, of: try evaluate(operand))
        case .item(let operand, let key):
            return try item(try evaluate(key), of: try evaluate(operand))
        case .call(let function, let syntax):
            return try evaluateCall(function, syntax)
        case .filter(let operand, let filter):
            return try apply(filter, to: try evaluate(operand))
        case .test(let operand, let name, let syntax, let isNegated):
            let value = try evaluate(operand)
            return .bool(try test(value, name, try evaluate(syntax)) != isNegated)
        case .not(let operand):
            return .bool(try !evaluate(operand).isTruthy)
        case .and(let operands):
            return try evaluateUntil(false, operands)
        case .or(let operands):
            return try evaluateUntil(true, operands)
        case .comparison(let first, let rest):
            return .bool(try compare(first, rest))
        case .chain(let first, let rest):
            var value = try evaluate(first)
            for (operation, operand) in rest {
                value = try calculate(operation, value, try evaluate(operand))
            }
            return value
        case .concatenation(let operands):
            return try concatenate(operands)
        case .conditional(let condition, let value, let otherwise):
            if try evaluate(condition).isTruthy { return try evaluate(value) }
            guard let otherwise else {
                return .undefined("the inline 'if' has no 'else' and its condition is false")
            }
            return try evaluate(otherwise)
        case .tuple, .list, .dictionary:
            return try makeContainer(form)
        case .slice(let operand, let start, let stop, let step):
            return try evaluateSlice(of: operand, start, stop, step)
        case .negative(let operand):
            return try calculate(.subtract, .integer(0), try number(operand))
        case .positive(let operand):
            return try number(operand)
        case .literal(let literal): return Self.value(of: literal)
        case .name(let slot): return lookUp(slot)
        }
    }

    private func number(
        _ operand: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateValue {
        let value = try evaluate(operand)
        guard let number = value.number else {
            throw ChatTemplateError(.type, "a \(value.typeName) has no sign")
        }
        return number.value
    }

    private func evaluateUntil(
        _ decisive: Bool,
        _ operands: [TemplateExpression]
    ) throws(ChatTemplateError) -> TemplateValue {
        var value = TemplateValue.none
        for operand in operands {
            value = try evaluate(operand)
            if value.isTruthy == decisive { break }
        }
        return value
    }

    private func compare(
        _ first: TemplateExpression,
        _ rest: [(operation: Comparison, operand: TemplateExpression)]
    ) throws(ChatTemplateError) -> Bool {
        var left = try evaluate(first)
        for (operation, operand) in rest {
            let right = try evaluate(operand)
            guard try compare(left, operation, right) else { return false }
            left = right
        }
        return true
    }

    private func concatenate(
        _ operands: [TemplateExpression]
    ) throws(ChatTemplateError) -> TemplateValue {
        var parts: [MarkedText] = []
        for operand in operands {
            let text = try printedText(of: try evaluate(operand))
            try meter.touch(text.count)
            parts.append(text)
        }
        return .text(MarkedText.joined(parts))
    }

    private func makeContainer(
        _ form: TemplateExpression.Form
    ) throws(ChatTemplateError) -> TemplateValue {
        switch form {
        case .tuple(let parts): return try meter.list(try evaluate(parts), .tuple)
        case .list(let parts): return try meter.list(try evaluate(parts))
        case .dictionary(let parts):
            var entries: [(name: TemplateValue, value: TemplateValue)] = []
            for (key, value) in parts { entries.append((try evaluate(key), try evaluate(value))) }
            return .mapping(try meter.mapping(entries))
        default: return .none
        }
    }

    private func evaluate(
        _ expressions: [TemplateExpression]
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    /// The values of a call's arguments, with `*` and `**` unpacked.
    func evaluate(_ syntax: CallSyntax) throws(ChatTemplateError) -> CallArguments {
        var positional = try evaluate(syntax.positional)
        var named: [(name: String, value: TemplateValue)] = []
        for (name, value) in syntax.named { named.append((name, try evaluate(value))) }
        if let moreValues = syntax.moreValues {
            positional += try elements(of: try evaluate(moreValues))
        }
        if let moreNames = syntax.moreNames {
            guard case .mapping(let mapping) = try evaluate(moreNames) else {
                throw ChatTemplateError(.type, "'**' needs a mapping")
            }
            for (key, value) in zip(mapping.keys, mapping.values) {
                guard case .text(let name) = key else {
                    throw ChatTemplateError(.type, "'**' needs a mapping with strings as keys")
                }
                named.append((name.string, value))
            }
        }
        return CallArguments(positional, named: named)
    }
}
