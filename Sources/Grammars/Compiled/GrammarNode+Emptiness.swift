extension GrammarNode {
    /// Whether the node derives the empty text; false for rules, which aren't looked into.
    var isNullable: Bool {
        switch self {
        case .bytes(let bytes): bytes.isEmpty
        case .characters, .rule, .token, .network: false
        case .automaton(let automaton, _): automaton.isAccepting[0]
        case .bytesWithout: true
        case .sequence(let parts): parts.allSatisfy(\.isNullable)
        case .choice(let parts): parts.contains(where: \.isNullable)
        case .repetition(let part, let minimum, _): minimum == 0 || part.isNullable
        }
    }

    /// The same without the empty text, so that each round of a counted loop takes input.
    var withoutEmptyText: GrammarNode {
        guard isNullable else { return self }
        switch self {
        case .bytes, .characters, .rule, .token, .network: return .choice([])
        case .bytesWithout: return self
        case .automaton(let automaton, let encoding):
            return .automaton(automaton.withoutEmptyText, encoding)
        case .choice(let parts):
            return .choice(parts.map(\.withoutEmptyText))
        case .repetition(let part, let minimum, let maximum):
            if maximum == 0 { return .choice([]) }
            let least = part.isNullable ? 1 : max(minimum, 1)
            return .repetition(part.withoutEmptyText, minimum: least, maximum: maximum)
        case .sequence(let parts):
            // The first part that isn't empty, and all behind it.
            return .choice(
                parts.indices.map { index in
                    .sequence([parts[index].withoutEmptyText] + parts[(index + 1)...])
                }
            )
        }
    }
}

extension ScalarAutomaton {
    /// The same language without the empty text.
    var withoutEmptyText: ScalarAutomaton {
        var result = self
        let start = transitions.count
        result.transitions.append(transitions[0])
        result.isAccepting.append(isAccepting[0])
        result.transitions = result.transitions.map { edges in
            edges.map { Transition(range: $0.range, target: $0.target == 0 ? start : $0.target) }
        }
        result.isAccepting[0] = false
        return result
    }
}
