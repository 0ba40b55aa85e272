import Grammars
import Testing

@Suite struct GBNFTests {
    private let small = SmallVocabulary()

    static let cases: [(grammar: String, accepted: [String], rejected: [String])] = [
        ("root ::= \"a\" | \"b\"", ["a", "b"], ["", "ab"]),
        ("root ::= \"a\"\n  # a comment\n\nother ::= \"x\" # unused", ["a"], ["x"]),
        ("root ::= (\n  \"a\" # first\n  | \"b\"\n)* \"c\"", ["c", "abac"], ["ab"]),
        ("root ::= \"a\" |\n  \"b\"", ["a", "b"], ["ab"]),
        ("root ::= [a-c]+ [^\\n\"]{2} [\\x41-\\u0043\\]\\-]?", ["axy", "bc日x]"], ["a", "ax"]),
        ("root ::= \"\\t\\\"\\\\\\u00e9\\U0001F600\"", ["\t\"\\é😀"], ["t"]),
        (
            "root ::= x{2} y{1,} z{,2} w{0,40}\nx ::= \"x\"\ny ::= \"y\"\nz ::= \"z\"\nw ::= \"w\"",
            ["xxy", "xxyyzzwww"], ["xy", "xxyzzz"]
        ),
        ("root ::= . .", ["日a", "\n\n"], ["a"]),
        (
            "root ::= sum\nsum ::= sum \"+\" num | num\nnum ::= [0-9]+", ["1", "1+22+3"],
            ["+1", "1+"]
        ),
        ("root ::= list\nlist ::= \"a\" list | \"\"", ["", "aaaa"], ["b"]),
        ("root ::= \"(\" root \")\" | \"\"", ["", "((()))"], ["(()", "())"]),
        ("root ::= root root | \"a\"", ["a", "aaaaa"], ["", "ab"]),
        ("root ::= a b | b a\na ::= \"\"\nb ::= \"b\"", ["b"], ["", "bb"]),
        ("root ::= ws \"x\" ws\nws ::= [ \\n] ws | \"\"", ["x", " \n x "], [" "]),
    ]

    @Test(arguments: cases)
    func `derives what llama.cpp's notation means`(
        grammar: String,
        accepted: [String],
        rejected: [String]
    ) throws {
        for text in accepted {
            #expect(try small.accepts(text, .gbnf(grammar, path: "")), "should accept \(text)")
        }
        for text in rejected {
            #expect(try !small.accepts(text, .gbnf(grammar, path: "")), "should reject \(text)")
        }
    }

    @Test(
        arguments: [
            "", "x ::= \"a\"", "root = \"a\"", "root ::= missing", "root ::= (\"a\"",
            "root ::= \"a",
            "root ::= [a", "root ::= \"a\" \"b\" )", "root ::= \"a\"{3,1}", "root ::= \"a\"{x}",
            "root ::= \"\\q\"", "root ::= [b-a]", "root ::= \"a\"\nroot ::= \"b\"", "root ::= root",
            "root ::= <[x]>", "root ::= \"\\uD800\"", "root ::= \"a\" | * \"b\"",
        ]
    )
    func `refuses a broken grammar, with the path`(grammar: String) {
        let error = #expect(throws: GrammarError.self) {
            try Grammar(.gbnf(grammar, path: "grammar"))
        }
        #expect(error?.path == "grammar")
    }

    @Test func `names tokens by text and number`() throws {
        let grammar = "root ::= <think> thinking <[258]> .\nthinking ::= !<[258]>*"
        let constraint = try TokenConstraint(
            try Grammar(.gbnf(grammar, path: "grammar")),
            vocabulary: small.vocabulary
        )
        var state = try constraint.start()
        let first = try constraint.mask(&state)
        #expect((0..<Int32(small.tokens.count)).filter { first.contains($0) } == [257])
        try constraint.accept(SmallVocabulary.thinkToken, &state)
        let inside = try constraint.mask(&state)
        // Everything but the end of the output, the closing token among it.
        #expect(!inside.contains(SmallVocabulary.end))
        #expect((0..<Int32(256)).allSatisfy { inside.contains($0) })
        #expect(inside.contains(SmallVocabulary.callToken))
        try constraint.accept(97, &state)
        try constraint.accept(SmallVocabulary.callToken, &state)
        let last = try constraint.mask(&state)
        #expect(last.contains(97) && !last.contains(SmallVocabulary.thinkToken))
        try constraint.accept(97, &state)
        #expect(state.isExhausted)
    }

    @Test func `refuses tokens that the vocabulary lacks`() throws {
        for grammar in ["root ::= <nothing>", "root ::= <[99999]>"] {
            let compiled = try Grammar(.gbnf(grammar, path: "grammar"))
            let error = #expect(throws: GrammarError.self) {
                try TokenConstraint(compiled, vocabulary: small.vocabulary)
            }
            #expect(error?.path == "grammar")
        }
    }
}
