/// The strings that a schema allows.
struct StringLanguage: Sendable, Hashable {
    /// In Unicode scalars, as JSON Schema counts.
    var minimumLength = 0
    var maximumLength: Int?
    /// Each must be found in the string.
    var patterns: [RegularExpression] = []

    var isUnconstrained: Bool { minimumLength == 0 && maximumLength == nil && patterns.isEmpty }

    /// Whether the lengths contradict one another.
    var isEmpty: Bool { maximumLength.map { $0 < minimumLength } ?? false }

    /// The automaton of the strings' characters.
    func automaton(limit: Int) throws(ScalarAutomaton.TooLarge) -> ScalarAutomaton {
        var result: ScalarAutomaton?
        for pattern in patterns {
            let automaton = try ScalarAutomaton(searching: pattern, limit: limit)
            result = try result?.intersection(automaton, limit: limit) ?? automaton
        }
        if result == nil || minimumLength > 0 || maximumLength != nil {
            let lengths = try ScalarAutomaton(lengths: minimumLength, maximumLength, limit: limit)
            result = try result?.intersection(lengths, limit: limit) ?? lengths
        }
        return result ?? ScalarAutomaton(transitions: [[]], isAccepting: [false])
    }

    /// The node of the strings, quotes included.
    ///
    /// Strings under a pattern are written in one way only, without escapes where JSON needs none.
    func node(limit: Int) throws(ScalarAutomaton.TooLarge) -> GrammarNode {
        let content: GrammarNode
        if patterns.isEmpty {
            content = .repetition(
                Self.character,
                minimum: minimumLength,
                maximum: maximumLength
            )
        } else if patterns.count == 1, minimumLength == 0, maximumLength == nil,
            let expression = patterns[0].search
        {
            content = GrammarNode(expression, .jsonString)
        } else {
            content = .automaton(try automaton(limit: limit), .jsonString)
        }
        return .sequence([.text("\""), content, .text("\"")])
    }

    func accepts(_ text: String, limit: Int) throws(ScalarAutomaton.TooLarge) -> Bool {
        let length = text.unicodeScalars.count
        guard length >= minimumLength, length <= maximumLength ?? length else { return false }
        for pattern in patterns {
            let automaton = try ScalarAutomaton(searching: pattern, limit: limit)
            guard automaton.accepts(text) else { return false }
        }
        return true
    }

    /// One character of a JSON string in any of its spellings (RFC 8259 §7), surrogates only in
    /// pairs.
    static let character: GrammarNode = {
        func hex(_ ranges: ClosedRange<UInt32>...) -> GrammarNode {
            .characters(ScalarSet(ranges), .plain)
        }
        let digit = hex(0x30...0x39, 0x41...0x46, 0x61...0x66)
        let plain = GrammarNode.characters(
            JSONStringEncoding.escaped.complement,
            .plain
        )
        let short = GrammarNode.characters(ScalarSet(#""\/bfnrt"#), .plain)
        let low = hex(0x30...0x37)
        let d = GrammarNode.characters(ScalarSet("dD"), .plain)
        let basic = GrammarNode.choice([
            .sequence([
                hex(0x30...0x39, 0x41...0x43, 0x45...0x46, 0x61...0x63, 0x65...0x66),
                digit, digit, digit,
            ]),
            .sequence([d, low, digit, digit]),
        ])
        let pair = GrammarNode.sequence([
            d, .characters(ScalarSet("89abAB"), .plain), digit, digit, .text(#"\u"#),
            d, .characters(ScalarSet("cdefCDEF"), .plain), digit, digit,
        ])
        let escape = GrammarNode.choice([
            short, .sequence([.text("u"), .choice([basic, pair])]),
        ])
        return .choice([plain, .sequence([.text(#"\"#), escape])])
    }()
}
