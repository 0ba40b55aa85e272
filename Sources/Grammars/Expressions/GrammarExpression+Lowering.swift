extension GrammarExpression {
    /// Adds what the expression needs to the rules, and returns the node that derives it.
    func lower(into rules: inout GrammarRules, depth: Int = 0) throws(GrammarError) -> GrammarNode {
        guard depth <= rules.limits.maximumDepth else {
            throw GrammarError(path: "", reason: "The grammar nests its parts too deeply.")
        }
        switch self {
        case .literal(let text):
            return .text(text)
        case .sequence(let parts):
            var nodes: [GrammarNode] = []
            for part in parts { nodes.append(try part.lower(into: &rules, depth: depth + 1)) }
            return .sequence(nodes)
        case .choice(let parts):
            guard !parts.isEmpty else {
                throw GrammarError(path: "", reason: "A choice needs at least one alternative.")
            }
            var nodes: [GrammarNode] = []
            for part in parts { nodes.append(try part.lower(into: &rules, depth: depth + 1)) }
            return .choice(nodes)
        case .repetition(let part, let minimum, let maximum):
            guard minimum >= 0, minimum <= maximum ?? minimum else {
                throw GrammarError(path: "", reason: "A repetition's minimum exceeds its maximum.")
            }
            let node = try part.lower(into: &rules, depth: depth + 1)
            return .repetition(node, minimum: minimum, maximum: maximum)
        case .regex(let text, let path):
            return try Self.lowerRegex(text, path: path, limits: rules.limits)
        case .jsonSchema(let schema, let path):
            return try SchemaCompiler.lower(schema, path: path, into: &rules)
        case .gbnf(let text, let path):
            return try GBNFParser.lower(text, path: path, into: &rules)
        case .text(let terminators, let controlTokens):
            guard terminators.allSatisfy({ !$0.isEmpty }) else {
                throw GrammarError(path: "", reason: "A terminator must not be empty.")
            }
            let bytes = GrammarNode.bytesWithout(terminators.map { Array($0.utf8) })
            guard controlTokens else { return bytes }
            let run = GrammarNode.sequence([.token(.controlsExcept(terminators)), bytes])
            return .sequence([bytes, .repetition(run, minimum: 0, maximum: nil)])
        case .controlToken(let text):
            return .choice([.token(.control(text)), .text(text)])
        }
    }

    private static func lowerRegex(
        _ text: String,
        path: String,
        limits: GrammarLimits
    ) throws(GrammarError) -> GrammarNode {
        let expression = try RegexParser.parse(text, path: path, limits: limits)
        if let whole = expression.wholeMatch { return GrammarNode(whole, .plain) }
        do throws(ScalarAutomaton.TooLarge) {
            // Anchors inside: what is matched as a whole stands between the two marks.
            let marked = RegularExpression.sequence([
                .optional(.characters(RegularExpression.begin)), expression,
                .optional(.characters(RegularExpression.end)),
            ])
            let automaton = try ScalarAutomaton(
                wholly: marked,
                limit: limits.maximumAutomatonStateCount
            )
            return .automaton(automaton, .plain)
        } catch {
            throw GrammarError(
                path: path,
                reason: "The regular expression needs too large an automaton; make it simpler."
            )
        }
    }
}
