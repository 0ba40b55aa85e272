extension TemplateParser {
    /// Statements up to a tag with one of the given names, which is left in place; up to the end of the
    /// source when no name is given.
    mutating func parseStatements(
        until endNames: [String]
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        var statements: [TemplateStatement] = []
        while true {
            let start = position
            switch token.kind {
            case .text(let text):
                advance()
                let marked = MarkedText(text, isTrusted: true)
                statements.append(TemplateStatement(form: .text(marked), position: start))
            case .outputBegin:
                advance()
                let expression = try parseTuple()
                try expect(.outputEnd)
                statements.append(TemplateStatement(form: .output(expression), position: start))
            case .blockBegin:
                guard case .name(let name) = lookAhead() else {
                    advance()
                    throw failure("expected the name of a tag but found \(token.kind.name)")
                }
                if endNames.contains(name) { return statements }
                advance()
                let tagPosition = position
                advance()
                let form = try nested { (parser) throws(ChatTemplateError) in
                    try parser.parseTag(name, at: tagPosition)
                }
                statements.append(TemplateStatement(form: form, position: tagPosition))
            case .end:
                guard endNames.isEmpty else {
                    throw failure("the template ends before '{% \(endNames.last ?? "") %}'")
                }
                return statements
            default:
                throw failure("expected text or a tag but found \(token.kind.name)")
            }
        }
    }

    /// Statements up to the tag with this name, which is stepped over.
    private mutating func parseBody(
        endName: String
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        let body = try parseStatements(until: [endName])
        try skipEndTag()
        return body
    }

    /// Steps over `{% name`, and `%}`.
    private mutating func skipEndTag() throws(ChatTemplateError) {
        advance()
        advance()
        try expect(.blockEnd)
    }

    private mutating func parseTag(
        _ name: String,
        at start: SourcePosition
    ) throws(ChatTemplateError) -> TemplateStatement.Form {
        switch name {
        case "if": return try parseCondition()
        case "for": return try parseLoop()
        case "set": return try parseSet()
        case "macro": return try parseMacro(at: start)
        case "call": return try parseCallBlock(at: start)
        case "filter":
            let filters = try parseFilterChain()
            try expect(.blockEnd)
            return .filter(filters, body: try parseBody(endName: "endfilter"))
        case "with": return try parseWith()
        case "generation":
            try expect(.blockEnd)
            return .scope(try parseBody(endName: "endgeneration"))
        case "break", "continue":
            guard loopNesting > 0 else { throw failure("'\(name)' stands in no loop", at: start) }
            try expect(.blockEnd)
            return name == "break" ? .breakLoop : .continueLoop
        case "include", "import", "from", "extends", "block", "autoescape", "trans", "do", "debug":
            throw failure(
                "the tag '\(name)' is not available in chat templates",
                kind: .unsupported,
                at: start
            )
        default: throw failure("there is no tag '\(name)'", at: start)
        }
    }

    private mutating func parseCondition() throws(ChatTemplateError) -> TemplateStatement.Form {
        var branches: [ConditionBranch] = []
        while true {
            let condition = try parseTuple(allowsCondition: false)
            try expect(.blockEnd)
            let body = try parseStatements(until: ["elif", "else", "endif"])
            branches.append(ConditionBranch(condition: condition, body: body))
            advance()
            if skip(name: "elif") { continue }
            var otherwise: [TemplateStatement] = []
            if skip(name: "else") {
                try expect(.blockEnd)
                otherwise = try parseStatements(until: ["endif"])
                advance()
            }
            advance()
            try expect(.blockEnd)
            return .condition(branches, otherwise: otherwise)
        }
    }

    private mutating func parseLoop() throws(ChatTemplateError) -> TemplateStatement.Form {
        let target = try parseTarget(endName: "in")
        guard skip(name: "in") else {
            throw failure("expected 'in' but found \(token.kind.name)")
        }
        let elements = try parseTuple(allowsCondition: false, endNames: ["if", "recursive"])
        let condition = skip(name: "if") ? try parseExpression() : nil
        if isName("recursive") {
            throw failure("recursive loops are not available; use a macro", kind: .unsupported)
        }
        try expect(.blockEnd)
        loopNesting += 1
        let body = try parseStatements(until: ["else", "endfor"])
        loopNesting -= 1
        advance()
        var otherwise: [TemplateStatement] = []
        if skip(name: "else") {
            try expect(.blockEnd)
            otherwise = try parseStatements(until: ["endfor"])
            advance()
        }
        advance()
        try expect(.blockEnd)
        return .loop(
            LoopDefinition(
                target: target,
                elements: elements,
                condition: condition,
                body: body,
                otherwise: otherwise
            )
        )
    }

    /// A variable, a namespace's member, or several of them with commas between.
    private mutating func parseTarget(
        endName: String? = nil
    ) throws(ChatTemplateError) -> AssignmentTarget {
        let start = position
        var targets = [try parseSingleTarget()]
        var isTuple = false
        while skip(symbol: ",") {
            isTuple = true
            if isSymbol("=") || token.kind == .blockEnd || isSymbol(")") { break }
            if let endName, isName(endName) { break }
            targets.append(try parseSingleTarget())
        }
        return isTuple ? .tuple(targets, position: start) : targets[0]
    }

    private mutating func parseSingleTarget() throws(ChatTemplateError) -> AssignmentTarget {
        if skip(symbol: "(") {
            let target = try nested { (parser) throws(ChatTemplateError) in
                try parser.parseTarget()
            }
            try expect(symbol: ")")
            return target
        }
        let start = position
        let name = try expectName()
        guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
            throw failure("'\(name)' cannot be assigned to", at: start)
        }
        if skip(symbol: ".") {
            return .member(of: slot(of: name), name: try expectName(), position: start)
        }
        return .name(slot(of: name))
    }

    private mutating func parseSet() throws(ChatTemplateError) -> TemplateStatement.Form {
        let target = try parseTarget()
        if skip(symbol: "=") {
            let value = try parseTuple()
            try expect(.blockEnd)
            return .set(target, value)
        }
        let filters = skip(symbol: "|") ? try parseFilterChain() : []
        try expect(.blockEnd)
        return .setBlock(target, filters: filters, body: try parseBody(endName: "endset"))
    }

    private mutating func parseFilterChain() throws(ChatTemplateError) -> [FilterSyntax] {
        var filters = [try parseFilter()]
        while skip(symbol: "|") { filters.append(try parseFilter()) }
        return filters
    }

    private mutating func parseWith() throws(ChatTemplateError) -> TemplateStatement.Form {
        var assignments: [(target: AssignmentTarget, value: TemplateExpression)] = []
        while token.kind != .blockEnd {
            if !assignments.isEmpty { try expect(symbol: ",") }
            let target = try parseSingleTarget()
            try expect(symbol: "=")
            assignments.append((target, try parseExpression()))
        }
        advance()
        return .with(assignments, body: try parseBody(endName: "endwith"))
    }

    private mutating func parseMacro(
        at start: SourcePosition
    ) throws(ChatTemplateError) -> TemplateStatement.Form {
        let name = try expectName()
        let parameters = try parseParameters()
        return .macro(
            try parseMacroBody(name: name, parameters, endName: "endmacro", at: start)
        )
    }

    private mutating func parseCallBlock(
        at start: SourcePosition
    ) throws(ChatTemplateError) -> TemplateStatement.Form {
        let parameters = isSymbol("(") ? try parseParameters() : []
        let callee = try parseExpression()
        guard case .call = callee.form else {
            throw failure("a 'call' block needs a call such as 'name()'", at: start)
        }
        let body = try parseMacroBody(name: "caller", parameters, endName: "endcall", at: start)
        return .call(body, callee: callee)
    }

    private mutating func parseMacroBody(
        name: String,
        _ parameters: [(name: String, slot: Int, standard: TemplateExpression?)],
        endName: String,
        at start: SourcePosition
    ) throws(ChatTemplateError) -> MacroDefinition {
        try expect(.blockEnd)
        let outerNesting = loopNesting
        loopNesting = 0
        let body = try parseBody(endName: endName)
        loopNesting = outerNesting
        return MacroDefinition(
            name: name,
            slot: slot(of: name),
            parameters: parameters,
            body: body,
            position: start
        )
    }

    private mutating func parseParameters() throws(ChatTemplateError) -> [(
        name: String, slot: Int, standard: TemplateExpression?
    )] {
        try expect(symbol: "(")
        var parameters: [(name: String, slot: Int, standard: TemplateExpression?)] = []
        while !isSymbol(")") {
            if !parameters.isEmpty { try expect(symbol: ",") }
            let name = try expectName()
            if skip(symbol: "=") {
                parameters.append((name, slot(of: name), try parseExpression()))
            } else {
                guard parameters.last?.standard == nil else {
                    throw failure("a parameter without a default follows one with a default")
                }
                parameters.append((name, slot(of: name), nil))
            }
        }
        advance()
        return parameters
    }
}
