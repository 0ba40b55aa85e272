extension Evaluator {
    func evaluateCall(
        _ function: TemplateExpression,
        _ syntax: CallSyntax
    ) throws(ChatTemplateError) -> TemplateValue {
        let callee = try evaluate(function)
        return try call(callee, try evaluate(syntax))
    }

    /// Calls a function, a macro or a method.
    func call(
        _ callee: TemplateValue,
        _ arguments: CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch callee {
        case .callable(.function(let function)):
            return try function.call(arguments, evaluator: self)
        case .callable(.macro(let macro)):
            return .text(try call(macro, arguments))
        case .callable(.method(let receiver, let name)):
            return try call(name, of: receiver, arguments)
        case .undefined(let reason):
            throw ChatTemplateError(.undefined, "\(reason), so it cannot be called")
        default:
            throw ChatTemplateError(.type, "a \(callee.typeName) cannot be called")
        }
    }

    private func call(
        _ name: String,
        of receiver: TemplateValue,
        _ arguments: CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch receiver {
        case .text(let text):
            guard let method = TextMethod(rawValue: name) else { break }
            try meter.touch(text.count)
            return try method.call(text, arguments, evaluator: self)
        case .mapping(let mapping):
            guard let method = MappingMethod(rawValue: name) else { break }
            return try method.call(mapping, arguments, evaluator: self)
        case .sequence(let sequence):
            guard let method = SequenceMethod(rawValue: name) else { break }
            return try method.call(sequence, arguments, evaluator: self)
        case .loop(let loop):
            return try call(name, of: loop, arguments)
        default: break
        }
        throw ChatTemplateError(.type, "a \(receiver.typeName) has no method '\(name)'")
    }

    private func call(
        _ name: String,
        of loop: LoopValue,
        _ arguments: CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let values = arguments.positional
        guard name == "cycle" else {
            var isSame = loop.lastChanged?.count == values.count
            for (old, new) in zip(loop.lastChanged ?? [], values) where isSame {
                isSame = try areEqual(old, new)
            }
            loop.lastChanged = values
            _ = try meter.depth(around: values)
            return .bool(!isSame)
        }
        guard !values.isEmpty else {
            throw ChatTemplateError(.type, "loop.cycle needs at least one value")
        }
        return values[loop.index % values.count]
    }

    /// Runs a macro's body with its parameters set.
    private func call(
        _ macro: MacroValue,
        _ given: CallArguments
    ) throws(ChatTemplateError) -> MarkedText {
        try meter.enter()
        defer { meter.leave() }
        var arguments = given
        let inner = Scope(inside: macro.scope)
        let outerScope = scope
        scope = inner
        defer { scope = outerScope }
        for (name, slot, standard) in macro.definition.parameters {
            if let value = arguments.take(name) {
                inner.set(slot, to: value)
            } else if let standard {
                inner.set(slot, to: try evaluate(standard))
            } else {
                inner.set(slot, to: .undefined("the parameter '\(name)' was not given"))
            }
        }
        if let slot = tree.names.firstIndex(of: "caller"),
            let caller = arguments.takeNamed("caller")
        {
            inner.set(slot, to: caller)
        }
        try setRest(of: &arguments, in: inner)
        do throws(ChatTemplateError) {
            try arguments.finish()
        } catch {
            throw ChatTemplateError(
                .type,
                "the macro '\(macro.definition.name)' was called wrongly: \(error.message)"
            )
        }
        var text = MarkedText()
        _ = try run(macro.definition.body, into: &text)
        return text
    }

    /// Gives what no parameter took to `varargs` and `kwargs`, if the template knows these names.
    private func setRest(
        of arguments: inout CallArguments,
        in scope: Scope
    ) throws(ChatTemplateError) {
        if let slot = tree.names.firstIndex(of: "varargs") {
            var rest: [TemplateValue] = []
            while let value = arguments.takePositional() { rest.append(value) }
            scope.set(slot, to: try meter.list(rest, .tuple))
        }
        if let slot = tree.names.firstIndex(of: "kwargs") {
            var rest: [(name: TemplateValue, value: TemplateValue)] = []
            while let first = arguments.named.first, let value = arguments.takeNamed(first.name) {
                rest.append((.text(trusted: first.name), value))
            }
            scope.set(slot, to: .mapping(try meter.mapping(rest)))
        }
    }
}
