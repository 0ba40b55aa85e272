import Grammars
import JSON
import Testing

@Suite struct GrammarTests {
    private let small = SmallVocabulary()

    private static let parameters: JSONValue = [
        "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
    ]

    private static let call = GrammarExpression.sequence([
        .literal("\n{\"name\": \"get_weather\", \"arguments\": "),
        .jsonSchema(parameters, path: "tools[0].function.parameters"),
        .literal("}\n</tool_call>"),
    ])

    private static let written =
        "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>"

    @Test func `expressions compose`() throws {
        let expression = GrammarExpression.sequence([
            .optional(.literal("Well. ")),
            .repetition(.oneOf(["a", "bc"]), minimum: 1, maximum: 30),
            .choice([.regex("[0-9]+", path: ""), .gbnf("root ::= \"(\" root? \")\"", path: "")]),
        ])
        for text in ["a1", "Well. abca(())", "bc42"] {
            #expect(try small.accepts(text, expression))
        }
        for text in ["Well. 1", "a(", "abc"] {
            #expect(try !small.accepts(text, expression))
        }
    }

    @Test func `a trigger begins what belongs to it, and nothing else does`() throws {
        let free = GrammarExpression.triggered([("<tool_call>", Self.call)])
        let once = GrammarExpression.triggered([("<tool_call>", Self.call)], repeats: false)
        for text in ["", "It <tool is fine>.", Self.written, "Let me see: \(Self.written)"] {
            #expect(try small.accepts(text, free))
            #expect(try small.accepts(text, once))
        }
        let twice = Self.written + "\n" + Self.written + " Done."
        #expect(try small.accepts(twice, free))
        #expect(try !small.accepts(twice, once))
        for text in [
            "<tool_call>", "<tool_call>x", "a <<tool_call>\n{}", Self.written.dropLast() + "",
        ] {
            #expect(try !small.accepts(text, free))
        }
    }

    @Test func `a token that goes on behind a trigger must go on as the trigger demands`() throws {
        let constraint = try TokenConstraint(
            try Grammar(.triggered([("<tool_call>", .literal("y"))])),
            vocabulary: small.vocabulary
        )
        var state = try constraint.start()
        let mask = try constraint.mask(&state)
        let texts = small.tokens.map { String(decoding: $0, as: UTF8.self) }
        #expect(mask.contains(Int32(texts.firstIndex(of: "<tool_call>") ?? -1)))
        #expect(!mask.contains(Int32(texts.firstIndex(of: "<tool_call>x") ?? -1)))
        // Control tokens are free where the output is, and so is its end.
        #expect(mask.contains(SmallVocabulary.thinkToken) && mask.contains(SmallVocabulary.end))
    }

    @Test func `a trigger may be a control token`() throws {
        let constraint = try TokenConstraint(
            try Grammar(.triggered([("[CALL]", .literal("y"))])),
            vocabulary: small.vocabulary
        )
        var state = try constraint.start()
        try constraint.accept(97, &state)
        try constraint.accept(SmallVocabulary.callToken, &state)
        #expect(!state.isComplete)
        let mask = try constraint.mask(&state)
        #expect((0..<Int32(small.tokens.count)).filter { mask.contains($0) } == [121])
        try constraint.accept(121, &state)
        #expect(state.isComplete && !state.isExhausted)
    }

    @Test func `a token against the grammar is refused and changes nothing`() throws {
        let constraint = try TokenConstraint(
            try Grammar(.literal("ab")),
            vocabulary: small.vocabulary
        )
        var state = try constraint.start()
        for token in [98, SmallVocabulary.end, SmallVocabulary.callToken, -1, 1 << 20] {
            #expect(throws: TokenConstraint.Failure.notAllowed(token: token)) {
                try constraint.accept(token, &state)
            }
        }
        try constraint.accept(97, &state)
        try constraint.accept(98, &state)
        #expect(state.isExhausted)
        try constraint.accept(SmallVocabulary.end, &state)
    }

    @Test func `hostile grammars end in an error, not in time or memory`() throws {
        var wide: [JSONValue] = []
        for first in 0..<15 {
            for second in 0..<15 {
                wide.append(["properties": ["p\(first)": ["const": .integer(second)]]])
            }
        }
        let alternatives: JSONValue = ["anyOf": .array(wide)]
        var deep: JSONValue = true
        for _ in 0..<100 { deep = ["allOf": [deep]] }
        let hostile: [GrammarExpression] = [
            .jsonSchema(["allOf": [alternatives, alternatives, alternatives]], path: "x"),
            .jsonSchema(deep, path: "x"),
            .jsonSchema(
                ["type": "string", "pattern": "(a|b)*a(a|b){20}$", "maxLength": 5000],
                path: "x"
            ),
            .jsonSchema(["type": "string", "maxLength": 900_000_000], path: "x"),
            .regex(String(repeating: "(", count: 5000), path: "x"),
            .regex("([ab]{999}[cd]{999}){999}" + String(repeating: "x", count: 600_000), path: "x"),
            .gbnf("root ::= " + String(repeating: "(", count: 9000), path: "x"),
        ]
        for expression in hostile {
            #expect(throws: GrammarError.self) { try Grammar(expression) }
        }
    }

    @Test func `a grammar at too many places at once is given up`() throws {
        let grammar = "root ::= \"a\" root \"a\" | root root | \"a\""
        var limits = GrammarLimits.default
        limits.maximumItemCount = 200
        let constraint = try TokenConstraint(
            try Grammar(.gbnf(grammar, path: ""), limits: limits),
            vocabulary: small.vocabulary
        )
        #expect(throws: TokenConstraint.Failure.tooAmbiguous) {
            var state = try constraint.start()
            for _ in 0..<500 {
                _ = try constraint.mask(&state)
                try constraint.accept(97, &state)
            }
        }
    }
}
