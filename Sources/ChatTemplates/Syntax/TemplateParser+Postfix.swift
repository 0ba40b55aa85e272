// What follows a value: members, elements, calls, filters and tests.
extension TemplateParser {
    /// How many members, calls, filters and tests may follow one value.
    private static let maximumPostfixCount = 100

    mutating func parsePostfix(
        _ operand: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        var expression = operand
        for _ in 0..<Self.maximumPostfixCount {
            if isSymbol(".") {
                expression = try parseAttribute(of: expression)
            } else if isSymbol("[") {
                expression = try parseSubscript(of: expression)
            } else if isSymbol("(") {
                let start = position
                expression = TemplateExpression(.call(expression, try parseCall()), at: start)
            } else {
                return expression
            }
        }
        throw failure("more than \(Self.maximumPostfixCount) members or calls follow one value")
    }

    mutating func parseFiltersAndTests(
        _ operand: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        var expression = operand
        for _ in 0..<Self.maximumPostfixCount {
            let start = position
            if isSymbol("|") {
                advance()
                let filter = try parseFilter()
                expression = TemplateExpression(.filter(expression, filter), at: filter.position)
            } else if isName("is") {
                advance()
                expression = try parseTest(of: expression, at: start)
            } else if isSymbol("(") {
                expression = TemplateExpression(.call(expression, try parseCall()), at: start)
            } else {
                return expression
            }
        }
        throw failure("more than \(Self.maximumPostfixCount) filters or tests follow one value")
    }

    private mutating func parseAttribute(
        of operand: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        advance()
        let start = position
        if case .integer(let index) = token.kind {
            advance()
            let key = TemplateExpression(.literal(.integer(index)), at: start)
            return TemplateExpression(.item(of: operand, key: key), at: start)
        }
        return TemplateExpression(.attribute(of: operand, name: try expectName()), at: start)
    }

    private mutating func parseSubscript(
        of operand: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        advance()
        guard !isSymbol("]") else { throw failure("expected an index but found ']'") }
        var parts: [TemplateExpression?] = [nil]
        while !isSymbol("]") {
            if isSymbol(":"), parts.count < 3 {
                advance()
                parts.append(nil)
            } else if parts[parts.count - 1] == nil {
                parts[parts.count - 1] = try parseExpression()
            } else {
                throw failure("expected ']' but found \(token.kind.name)")
            }
        }
        advance()
        if parts.count == 1, let key = parts[0] {
            return TemplateExpression(.item(of: operand, key: key), at: start)
        }
        return TemplateExpression(
            .slice(
                of: operand,
                start: parts[0],
                stop: parts[1],
                step: parts.count > 2 ? parts[2] : nil
            ),
            at: start
        )
    }

    /// The arguments in parentheses.
    mutating func parseCall() throws(ChatTemplateError) -> CallSyntax {
        try expect(symbol: "(")
        var call = CallSyntax()
        var isFirst = true
        while !isSymbol(")") {
            if !isFirst { try expect(symbol: ",") }
            isFirst = false
            if isSymbol(")") { break }
            if skip(symbol: "**") {
                guard call.moreNames == nil else { throw failure("a second '**' in one call") }
                call.moreNames = try parseExpression()
            } else if skip(symbol: "*") {
                guard call.moreValues == nil else { throw failure("a second '*' in one call") }
                call.moreValues = try parseExpression()
            } else if case .name(let name) = token.kind, lookAhead() == .symbol("=") {
                advance()
                advance()
                call.named.append((name, try parseExpression()))
            } else {
                guard call.named.isEmpty else {
                    throw failure("an argument without a name follows one with a name")
                }
                call.positional.append(try parseExpression())
            }
        }
        advance()
        return call
    }

    /// A filter's name and arguments; `position` is behind the bar.
    mutating func parseFilter() throws(ChatTemplateError) -> FilterSyntax {
        let start = position
        let name = try parseDottedName()
        let call = isSymbol("(") ? try parseCall() : CallSyntax()
        return FilterSyntax(name: name, call: call, position: start)
    }

    private mutating func parseDottedName() throws(ChatTemplateError) -> String {
        var name = try expectName()
        while skip(symbol: ".") { name += "." + (try expectName()) }
        return name
    }

    /// A test; `position` is behind `is`.
    private mutating func parseTest(
        of operand: TemplateExpression,
        at start: SourcePosition
    ) throws(ChatTemplateError) -> TemplateExpression {
        let isNegated = skip(name: "not")
        let name = try parseDottedName()
        var call = CallSyntax()
        switch token.kind {
        case .symbol("("):
            call = try parseCall()
        case .name("else"), .name("or"), .name("and"), .name("if"):
            break
        case .name("is"):
            throw failure("tests cannot follow one another; join them with 'and'")
        case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
            let argument = try parsePrimary()
            call.positional = [try parsePostfix(argument)]
        default: break
        }
        return TemplateExpression(
            .test(operand, name: name, call, isNegated: isNegated),
            at: start
        )
    }
}
