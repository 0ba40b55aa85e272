import JSON

extension SchemaCompiler {
    /// The values that satisfy a constraint.
    mutating func node(of constraint: SchemaConstraint) throws(GrammarError) -> GrammarNode {
        if let values = constraint.values {
            var branches: [GrammarNode] = []
            for value in values where try accepts(value, constraint) {
                branches.append(.text(value.serialized()))
            }
            return .choice(branches)
        }
        let types = constraint.types
        var branches: [GrammarNode] = []
        if types.contains(.null) { branches.append(.text("null")) }
        if types.contains(.boolean) { branches += [.text("true"), .text("false")] }
        if types.contains(.integer) {
            branches.append(try numberNode(constraint, isInteger: !types.contains(.fraction)))
        }
        if types.contains(.string) {
            branches.append(
                try stringNode(constraint.strings, at: constraint.place)
            )
        }
        if types.contains(.array) { branches.append(try arrayNode(constraint)) }
        if types.contains(.object) { branches.append(try objectNode(constraint)) }
        return .choice(branches)
    }

    private mutating func numberNode(
        _ constraint: SchemaConstraint,
        isInteger: Bool
    ) throws(GrammarError) -> GrammarNode {
        var language = constraint.numbers
        language.isInteger = isInteger
        guard !language.isEmpty else { return .choice([]) }
        let node = try bounded(at: constraint.place) { limit throws(ScalarAutomaton.TooLarge) in
            try language.node(limit: limit)
        }
        return try shared(node)
    }

    private mutating func stringNode(
        _ language: StringLanguage,
        at path: JSONPath
    ) throws(GrammarError) -> GrammarNode {
        guard !language.isEmpty else { return .choice([]) }
        guard
            max(language.minimumLength, language.maximumLength ?? 0)
                <= rules.limits.maximumRepetitionCount
        else { throw failure(path, "The lengths are too large to be enforced.") }
        let node = try bounded(at: path) { limit throws(ScalarAutomaton.TooLarge) in
            try language.node(limit: limit)
        }
        return try shared(node)
    }

    // MARK: Arrays

    private mutating func arrayNode(
        _ constraint: SchemaConstraint
    ) throws(GrammarError) -> GrammarNode {
        let least = constraint.minimumItems
        let path = constraint.place
        guard least <= constraint.maximumItems ?? least else { return .choice([]) }
        guard max(least, constraint.maximumItems ?? 0) <= rules.limits.maximumRepetitionCount else {
            throw failure(path, "The numbers of elements are too large to be enforced.")
        }
        let space = try shared(JSONSyntax.lineBreak)
        let comma = GrammarNode.sequence([.text(","), space])
        let prefixCount = constraint.prefixCount
        var network = GrammarNode.Network(stateCount: prefixCount + 2)
        let end = prefixCount + 1
        network.finals = [end]
        for index in 0..<prefixCount where index < constraint.maximumItems ?? .max {
            let item = try node(of: constraint.schemas(ofItem: index))
            network.connect(index, index == 0 ? item : .sequence([comma, item]), index + 1)
        }
        for index in 0...prefixCount
        where index >= least && index <= constraint.maximumItems ?? index {
            network.connect(index, index == 0 ? .empty : space, end)
        }
        let needsMore = least > prefixCount
        if needsMore || !constraint.isArrayClosedByDeclaration,
            constraint.maximumItems ?? .max > prefixCount
        {
            let item = try node(of: constraint.schemas(ofItem: prefixCount))
            let next = GrammarNode.sequence([comma, item])
            // All elements of an array without prefix but its first follow a comma.
            let already = max(prefixCount, 1)
            let rest = GrammarNode.repetition(
                next,
                minimum: max(least - already, 0),
                maximum: constraint.maximumItems.map { $0 - already }
            )
            let first = prefixCount == 0 ? item : .empty
            network.connect(prefixCount, .sequence([first, rest, space]), end)
        }
        return .sequence([.text("["), space, .network(network), .text("]")])
    }

    // MARK: Objects

    private mutating func objectNode(
        _ constraint: SchemaConstraint
    ) throws(GrammarError) -> GrammarNode {
        let path = constraint.place
        let space = try shared(JSONSyntax.lineBreak)
        let comma = GrammarNode.sequence([.text(","), space])
        var named: [(isRequired: Bool, member: GrammarNode)] = []
        for name in constraint.propertyNames {
            let isRequired = constraint.required.contains(name)
            guard try acceptsName(name, constraint) else {
                if isRequired { return .choice([]) }
                continue
            }
            let value = try node(of: constraint.schemas(ofProperty: name))
            let key = GrammarNode.text(JSONValue.string(name).serialized())
            named.append((isRequired, .sequence([key, JSONSyntax.colon, value])))
        }
        let others = try otherMembers(constraint)
        let requiredCount = named.count { $0.isRequired }
        if constraint.minimumProperties > max(named.count, requiredCount) + (others.isEmpty ? 0 : 1)
        {
            guard others.isEmpty else {
                throw failure(
                    path.appending(key: "minProperties"),
                    "'minProperties' cannot be enforced where names are free, since one could come "
                        + "twice; declare 'properties'."
                )
            }
            return .choice([])
        }
        var most = constraint.maximumProperties
        if others.isEmpty, let limit = most, limit >= named.count { most = nil }
        let counts = most ?? max(constraint.minimumProperties, 1)
        guard (named.count + 2) * (counts + 1) <= 20_000 else {
            throw failure(path, "'minProperties' or 'maxProperties' is too large to be enforced.")
        }
        // State (i, k): the properties before the i-th are decided, and k have been written, as far
        // as it matters. Behind all named ones a state for each k before and after a free name, of
        // which only the first is sure to count.
        let width = counts + 1
        var network = GrammarNode.Network(stateCount: (named.count + 2) * width + 1)
        let end = network.stateCount - 1
        network.finals = [end]
        func state(_ index: Int, _ count: Int) -> Int { index * width + min(count, counts) }
        for count in 0...counts {
            let separator = count == 0 ? GrammarNode.empty : comma
            let mayGrow = most.map { count < $0 } ?? true
            for (index, property) in named.enumerated() {
                if mayGrow {
                    let member = GrammarNode.sequence([separator, property.member])
                    network.connect(state(index, count), member, state(index + 1, count + 1))
                }
                if !property.isRequired {
                    network.connect(state(index, count), .empty, state(index + 1, count))
                }
            }
            for other in others where mayGrow {
                let member = GrammarNode.sequence([separator, other])
                let last = named.count
                network.connect(state(last, count), member, state(last + 1, count + 1))
                // Further free names count towards the maximum, not towards the minimum.
                if most != nil || count > 0 {
                    let next = most == nil ? count : count + 1
                    network.connect(state(last + 1, count), member, state(last + 1, next))
                }
            }
            let tail = count == 0 ? GrammarNode.empty : space
            if count >= constraint.minimumProperties {
                network.connect(state(named.count, count), tail, end)
                network.connect(state(named.count + 1, count), tail, end)
            }
        }
        return .sequence([.text("{"), space, .network(network), .text("}")])
    }

    /// The members whose names are none of the declared ones, by the patterns that the names match.
    private mutating func otherMembers(
        _ constraint: SchemaConstraint
    ) throws(GrammarError) -> [GrammarNode] {
        let path = constraint.place
        let patterns = constraint.objects.flatMap { $0.patterns }
        guard patterns.count <= 4 else {
            throw failure(path, "'patternProperties' may have at most 4 patterns.")
        }
        let names = constraint.propertyNames
        var members: [GrammarNode] = []
        for subset in 0..<(1 << patterns.count) {
            if subset == 0, constraint.isClosedByDeclaration { continue }
            let schemas = Self.schemas(constraint, matching: subset)
            if schemas.contains(where: { $0.value == false }) { continue }
            let key: GrammarNode
            if patterns.isEmpty, names.isEmpty, constraint.nameSchemas.isEmpty {
                key = try stringNode(StringLanguage(), at: path)
            } else {
                let automaton = try bounded(at: path) { limit throws(ScalarAutomaton.TooLarge) in
                    try Self.keyAutomaton(
                        constraint,
                        names: names,
                        patterns: patterns.map(\.names),
                        matching: subset,
                        limit: limit
                    )
                }
                if automaton.isEmpty { continue }
                key = try shared(
                    .sequence([.text("\""), .automaton(automaton, .jsonString), .text("\"")])
                )
            }
            let value = try node(of: schemas)
            members.append(.sequence([key, JSONSyntax.colon, value]))
        }
        return members
    }

    /// The schemas of members whose names match exactly the patterns in a set, given as bits.
    private static func schemas(
        _ constraint: SchemaConstraint,
        matching subset: Int
    ) -> [SchemaLocation] {
        var result: [SchemaLocation] = []
        var bit = 0
        for keywords in constraint.objects {
            var isMatched = false
            for (_, schema) in keywords.patterns {
                if subset >> bit & 1 == 1 {
                    isMatched = true
                    result.append(schema)
                }
                bit += 1
            }
            if !isMatched, let additional = keywords.additional { result.append(additional) }
        }
        return result
    }

    private static func keyAutomaton(
        _ constraint: SchemaConstraint,
        names: [String],
        patterns: [ScalarAutomaton],
        matching subset: Int,
        limit: Int
    ) throws(ScalarAutomaton.TooLarge) -> ScalarAutomaton {
        var result = ScalarAutomaton(excluding: names)
        for (bit, pattern) in patterns.enumerated() {
            let wanted = subset >> bit & 1 == 1 ? pattern : pattern.complement
            result = try result.intersection(wanted, limit: limit)
        }
        for language in constraint.nameSchemas where !language.isUnconstrained {
            let automaton = try language.automaton(limit: limit)
            result = try result.intersection(automaton, limit: limit)
        }
        return result
    }
}

extension ScalarAutomaton {
    /// All texts but some.
    init(excluding texts: [String]) {
        // A tree of the texts; what leaves it is in the last state, where everything is allowed.
        var children: [[UInt32: Int]] = [[:]]
        var isText = [false]
        for text in texts {
            var node = 0
            for scalar in text.unicodeScalars {
                if let child = children[node][scalar.value] {
                    node = child
                } else {
                    children[node][scalar.value] = children.count
                    node = children.count
                    children.append([:])
                    isText.append(false)
                }
            }
            isText[node] = true
        }
        let free = children.count
        var transitions: [[Transition]] = children.map { edges in
            let inside = ScalarSet(edges.keys.map { $0...$0 })
            let leaving = inside.complement.ranges.map { Transition(range: $0, target: free) }
            let staying = edges.map { Transition(range: $0.key...$0.key, target: $0.value) }
            return (leaving + staying).sorted { $0.range.lowerBound < $1.range.lowerBound }
        }
        transitions.append(ScalarSet.all.ranges.map { Transition(range: $0, target: free) })
        self.init(transitions: transitions, isAccepting: isText.map { !$0 } + [true])
    }
}
