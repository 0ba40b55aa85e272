extension Evaluator {
    /// Runs statements in order, up to a `break` or `continue`.
    func run(
        _ statements: [TemplateStatement],
        into output: inout MarkedText
    ) throws(ChatTemplateError) -> Flow {
        for statement in statements {
            do throws(ChatTemplateError) {
                try meter.step()
                let flow = try run(statement.form, into: &output)
                guard flow == .normal else { return flow }
            } catch {
                throw located(error, at: statement.position)
            }
        }
        return .normal
    }

    private func run(
        _ form: TemplateStatement.Form,
        into output: inout MarkedText
    ) throws(ChatTemplateError) -> Flow {
        switch form {
        case .text(let text):
            try write(text, into: &output)
        case .output(let expression):
            try write(try printedText(of: try evaluate(expression)), into: &output)
        case .set(let target, let expression):
            try assign(try evaluate(expression), to: target)
        case .condition(let branches, let otherwise):
            return try runCondition(branches, otherwise, into: &output)
        case .loop(let loop):
            try meter.enter()
            defer { meter.leave() }
            try runLoop(loop, into: &output)
        case .macro(let definition):
            capture(scope)
            scope.set(definition.slot, to: .callable(.macro(MacroValue(definition, in: scope))))
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        case .setBlock, .call, .filter, .with, .scope:
            try meter.enter()
            defer { meter.leave() }
            return try runBlock(form, into: &output)
        }
        return .normal
    }

    private func runBlock(
        _ form: TemplateStatement.Form,
        into output: inout MarkedText
    ) throws(ChatTemplateError) -> Flow {
        switch form {
        case .setBlock(let target, let filters, let body):
            let text = try captureText(body, in: Scope(inside: scope))
            try assign(try apply(filters, to: .text(text)), to: target)
        case .filter(let filters, let body):
            let text = try captureText(body, in: Scope(inside: scope))
            try write(try printedText(of: try apply(filters, to: .text(text))), into: &output)
        case .with(let assignments, let body):
            let inner = Scope(inside: scope)
            for (target, expression) in assignments {
                let value = try evaluate(expression)
                let outer = scope
                scope = inner
                defer { scope = outer }
                try assign(value, to: target)
            }
            return try runScoped(body, in: inner, into: &output)
        case .scope(let body):
            return try runScoped(body, in: Scope(inside: scope), into: &output)
        case .call(let definition, let callee):
            capture(scope)
            let caller = MacroValue(definition, in: scope)
            guard case .call(let function, let syntax) = callee.form else { break }
            var arguments = try evaluate(syntax)
            arguments = CallArguments(
                arguments.positional,
                named: arguments.named + [("caller", .callable(.macro(caller)))]
            )
            let result = try call(try evaluate(function), arguments)
            try write(try printedText(of: result), into: &output)
        default: break
        }
        return .normal
    }

    /// Appends text to what is being written.
    private func write(
        _ text: MarkedText,
        into output: inout MarkedText
    ) throws(ChatTemplateError) {
        guard !text.isEmpty else { return }
        try meter.touch(text.count)
        try meter.checkOutput(byteCount: output.count + text.count)
        output.append(text)
    }

    /// Runs a body and gives what it writes.
    func captureText(
        _ body: [TemplateStatement],
        in inner: Scope
    ) throws(ChatTemplateError) -> MarkedText {
        var text = MarkedText()
        _ = try runScoped(body, in: inner, into: &text)
        return text
    }

    private func runCondition(
        _ branches: [ConditionBranch],
        _ otherwise: [TemplateStatement],
        into output: inout MarkedText
    ) throws(ChatTemplateError) -> Flow {
        try meter.enter()
        defer { meter.leave() }
        for branch in branches where try evaluate(branch.condition).isTruthy {
            return try run(branch.body, into: &output)
        }
        return try run(otherwise, into: &output)
    }

    private func runLoop(
        _ definition: LoopDefinition,
        into output: inout MarkedText
    ) throws(ChatTemplateError) {
        var elements = try elements(of: try evaluate(definition.elements))
        let outer = scope
        defer { scope = outer }
        if let condition = definition.condition {
            var kept: [TemplateValue] = []
            for element in elements {
                try meter.step()
                scope = Scope(inside: outer)
                try assign(element, to: definition.target)
                if try evaluate(condition).isTruthy { kept.append(element) }
            }
            scope = outer
            elements = kept
        }
        guard !elements.isEmpty else {
            _ = try runScoped(definition.otherwise, in: Scope(inside: outer), into: &output)
            return
        }
        try meter.touch(elementCount: elements.count)
        let loop = LoopValue(elements, depth: try meter.depth(around: elements))
        for (index, element) in elements.enumerated() {
            try meter.step()
            scope = Scope(inside: outer)
            loop.index = index
            if let loopSlot { scope.set(loopSlot, to: .loop(loop)) }
            try assign(element, to: definition.target)
            if try run(definition.body, into: &output) == .breakLoop { break }
        }
    }

    /// Stores a value into a variable, a namespace's member, or its elements into several of them.
    func assign(
        _ value: TemplateValue,
        to target: AssignmentTarget
    ) throws(ChatTemplateError) {
        switch target {
        case .name(let slot):
            scope.set(slot, to: value)
        case .member(let slot, let name, let position):
            guard case .namespace(let namespace)? = scope.lookUp(slot) else {
                throw located(
                    ChatTemplateError(
                        .type,
                        "'\(tree.names[slot])' is no namespace; only members of namespace(…) can be set"
                    ),
                    at: position
                )
            }
            let key = TemplateValue.text(trusted: name)
            var members = namespace.members.entries.map { (name: $0.name, value: $0.value) }
            members.append((key, value))
            namespace.members = try meter.mapping(members)
        case .tuple(let targets, let position):
            let parts = try elements(of: value)
            guard parts.count == targets.count else {
                throw located(
                    ChatTemplateError(
                        .type,
                        "\(parts.count) values cannot be stored into \(targets.count) names"
                    ),
                    at: position
                )
            }
            for (part, target) in zip(parts, targets) { try assign(part, to: target) }
        }
    }
}
