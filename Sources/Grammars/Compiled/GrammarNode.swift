/// A grammar in the form that all front ends produce: rules over bytes.
indirect enum GrammarNode: Sendable, Hashable {
    case bytes([UInt8])
    case characters(ScalarSet, CharacterEncoding)
    case automaton(ScalarAutomaton, CharacterEncoding)
    case sequence([GrammarNode])
    /// One of the parts; of none: nothing at all, not even the empty text.
    case choice([GrammarNode])
    case repetition(GrammarNode, minimum: Int, maximum: Int?)
    /// What the rule with this number derives.
    case rule(Int)
    /// Bytes that contain none of the terminators.
    case bytesWithout([[UInt8]])
    /// One token, whatever its bytes.
    case token(TokenSelector)
    /// An automaton whose edges take what nodes derive.
    case network(Network)

    /// States numbered from 0, the start; edges between them; and the states where it may end.
    struct Network: Sendable, Hashable {
        struct Edge: Sendable, Hashable {
            let source: Int
            let node: GrammarNode
            let target: Int
        }

        var stateCount: Int
        var edges: [Edge] = []
        var finals: [Int] = []

        mutating func connect(_ source: Int, _ node: GrammarNode, _ target: Int) {
            edges.append(Edge(source: source, node: node, target: target))
        }
    }

    static let empty = GrammarNode.sequence([])

    /// The node of a regular expression without anchors.
    init(_ expression: RegularExpression, _ encoding: CharacterEncoding) {
        switch expression {
        case .empty:
            self = .empty
        case .characters(let set):
            self = .characters(set, encoding)
        case .sequence(let parts):
            self = .sequence(parts.map { GrammarNode($0, encoding) })
        case .choice(let parts):
            self = .choice(parts.map { GrammarNode($0, encoding) })
        case .repetition(let part, let minimum, let maximum):
            self = .repetition(
                GrammarNode(part, encoding),
                minimum: minimum,
                maximum: maximum
            )
        }
    }

    static func text(_ text: String) -> GrammarNode { .bytes(Array(text.utf8)) }

    static func optional(_ part: GrammarNode) -> GrammarNode {
        .repetition(part, minimum: 0, maximum: 1)
    }
}

/// How the characters of a text become bytes.
enum CharacterEncoding: Sendable, Hashable {
    /// As UTF-8.
    case plain
    /// As inside a JSON string: UTF-8, with escapes only where JSON demands one.
    case jsonString
}

/// Which tokens an edge takes that is not about bytes.
enum TokenSelector: Sendable, Hashable {
    /// The token with this id.
    case id(Int32)
    /// Every token but this one, control tokens too.
    case allExcept(Int32)
    /// The control token with this text, if there is one.
    case control(String)
    /// All control tokens but those with these texts, and not those that end the generation.
    case controlsExcept([String])
    /// The only token with this text; without it the grammar is unusable.
    case text(String, path: String)
    /// Every token but the only one with this text.
    case allExceptText(String, path: String)
}
