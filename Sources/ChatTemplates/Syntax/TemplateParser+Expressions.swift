// One function for each rank of Jinja's operators, weakest first.
extension TemplateParser {
    /// An expression, with an inline `if` unless `allowsCondition` is false.
    mutating func parseExpression(
        allowsCondition: Bool = true
    ) throws(ChatTemplateError) -> TemplateExpression {
        try nested { (parser) throws(ChatTemplateError) in
            allowsCondition ? try parser.parseConditional() : try parser.parseOr()
        }
    }

    private mutating func parseConditional() throws(ChatTemplateError) -> TemplateExpression {
        var expression = try parseOr()
        while isName("if") {
            let start = position
            advance()
            let condition = try parseOr()
            let otherwise = skip(name: "else") ? try parseExpression() : nil
            expression = TemplateExpression(
                .conditional(condition: condition, value: expression, otherwise: otherwise),
                at: start
            )
        }
        return expression
    }

    private mutating func parseOr() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        var operands = [try parseAnd()]
        while skip(name: "or") { operands.append(try parseAnd()) }
        return operands.count == 1 ? operands[0] : TemplateExpression(.or(operands), at: start)
    }

    private mutating func parseAnd() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        var operands = [try parseNot()]
        while skip(name: "and") { operands.append(try parseNot()) }
        return operands.count == 1 ? operands[0] : TemplateExpression(.and(operands), at: start)
    }

    private mutating func parseNot() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        guard skip(name: "not") else { return try parseComparison() }
        let operand = try nested { (parser) throws(ChatTemplateError) in try parser.parseNot() }
        return TemplateExpression(.not(operand), at: start)
    }

    private mutating func parseComparison() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        let first = try parseSum()
        var rest: [(operation: Comparison, operand: TemplateExpression)] = []
        while let operation = takeComparison() { rest.append((operation, try parseSum())) }
        return rest.isEmpty ? first : TemplateExpression(.comparison(first, rest), at: start)
    }

    private mutating func takeComparison() -> Comparison? {
        switch token.kind {
        case .symbol(let symbol):
            guard let operation = Comparison(rawValue: symbol) else { return nil }
            advance()
            return operation
        case .name("in"):
            advance()
            return .isIn
        case .name("not") where lookAhead() == .name("in"):
            advance()
            advance()
            return .isNotIn
        default: return nil
        }
    }

    private mutating func parseSum() throws(ChatTemplateError) -> TemplateExpression {
        try parseChain([.add, .subtract]) { (parser) throws(ChatTemplateError) in
            try parser.parseConcatenation()
        }
    }

    private mutating func parseConcatenation() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        var operands = [try parseProduct()]
        while skip(symbol: "~") { operands.append(try parseProduct()) }
        guard operands.count > 1 else { return operands[0] }
        return TemplateExpression(.concatenation(operands), at: start)
    }

    private mutating func parseProduct() throws(ChatTemplateError) -> TemplateExpression {
        try parseChain([.multiply, .divide, .divideWhole, .remainder]) {
            (parser) throws(ChatTemplateError) in
            try parser.parseChain([.power]) { (parser) throws(ChatTemplateError) in
                try parser.parseUnary()
            }
        }
    }

    private mutating func parseChain(
        _ operations: [ArithmeticOperation],
        operand: (inout TemplateParser) throws(ChatTemplateError) -> TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        let first = try operand(&self)
        var rest: [(operation: ArithmeticOperation, operand: TemplateExpression)] = []
        while case .symbol(let symbol) = token.kind,
            let operation = ArithmeticOperation(rawValue: symbol), operations.contains(operation)
        {
            advance()
            rest.append((operation, try operand(&self)))
        }
        return rest.isEmpty ? first : TemplateExpression(.chain(first, rest), at: start)
    }

    private mutating func parseUnary(
        allowsFilters: Bool = true
    ) throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        var expression: TemplateExpression
        if isSymbol("-") || isSymbol("+") {
            let isNegative = isSymbol("-")
            advance()
            let operand = try nested { (parser) throws(ChatTemplateError) in
                try parser.parseUnary(allowsFilters: false)
            }
            expression = TemplateExpression(
                isNegative ? .negative(operand) : .positive(operand),
                at: start
            )
        } else {
            expression = try parsePrimary()
        }
        expression = try parsePostfix(expression)
        return allowsFilters ? try parseFiltersAndTests(expression) : expression
    }

    mutating func parsePrimary() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        switch token.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return TemplateExpression(.literal(.bool(true)), at: start)
            case "false", "False": return TemplateExpression(.literal(.bool(false)), at: start)
            case "none", "None": return TemplateExpression(.literal(.none), at: start)
            default: return TemplateExpression(.name(slot(of: name)), at: start)
            }
        case .string(var text):
            advance()
            while case .string(let more) = token.kind {
                text += more
                advance()
            }
            let literal = MarkedText(text, isTrusted: true)
            return TemplateExpression(.literal(.text(literal)), at: start)
        case .integer(let value):
            advance()
            return TemplateExpression(.literal(.integer(value)), at: start)
        case .float(let value):
            advance()
            return TemplateExpression(.literal(.float(value)), at: start)
        case .symbol("("):
            advance()
            let tuple = try parseTuple(end: ")", isParenthesized: true)
            try expect(symbol: ")")
            return tuple
        case .symbol("["): return try parseList()
        case .symbol("{"): return try parseDictionary()
        default: throw failure("expected a value but found \(token.kind.name)")
        }
    }

    /// One expression, or several with commas between as a tuple, up to something that ends them.
    mutating func parseTuple(
        end: String? = nil,
        isParenthesized: Bool = false,
        allowsCondition: Bool = true,
        endNames: [String] = []
    ) throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        var elements: [TemplateExpression] = []
        var isTuple = false
        while true {
            if !elements.isEmpty {
                guard skip(symbol: ",") else { break }
                isTuple = true
            }
            if isTupleEnd(end: end, names: endNames) { break }
            elements.append(try parseExpression(allowsCondition: allowsCondition))
        }
        if elements.count == 1, !isTuple { return elements[0] }
        guard !elements.isEmpty || isParenthesized else {
            throw failure("expected an expression but found \(token.kind.name)")
        }
        return TemplateExpression(.tuple(elements), at: start)
    }

    private func isTupleEnd(end: String?, names: [String]) -> Bool {
        switch token.kind {
        case .outputEnd, .blockEnd, .symbol(")"): true
        case .symbol(let symbol): symbol == end
        case .name(let name): names.contains(name)
        default: false
        }
    }

    private mutating func parseList() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        advance()
        var elements: [TemplateExpression] = []
        while !isSymbol("]") {
            if !elements.isEmpty { try expect(symbol: ",") }
            if isSymbol("]") { break }
            elements.append(try parseExpression())
        }
        advance()
        return TemplateExpression(.list(elements), at: start)
    }

    private mutating func parseDictionary() throws(ChatTemplateError) -> TemplateExpression {
        let start = position
        advance()
        var members: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !isSymbol("}") {
            if !members.isEmpty { try expect(symbol: ",") }
            if isSymbol("}") { break }
            let key = try parseExpression()
            try expect(symbol: ":")
            members.append((key, try parseExpression()))
        }
        advance()
        return TemplateExpression(.dictionary(members), at: start)
    }
}
