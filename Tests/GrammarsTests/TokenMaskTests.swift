@testable import Grammars
import JSON
import TestSupport
import Testing

/// Every bit of every mask on the way of random outputs, against trying each token by itself.
@Suite(.timeLimit(.minutes(15))) struct TokenMaskTests {
    private static let small = SmallVocabulary()

    /// Follows random outputs of a grammar and compares each mask with the naive matcher.
    private func check(
        _ expression: GrammarExpression,
        walks: Int = 2,
        steps: Int = 14,
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let grammar: Grammar
        do {
            grammar = try Grammar(expression)
        } catch {
            // Random grammars may derive nothing.
            return
        }
        let small = Self.small
        let constraint = try TokenConstraint(grammar, vocabulary: small.vocabulary)
        for _ in 0..<walks {
            var naive = NaiveMatcher(grammar)
            var state = try constraint.start()
            for _ in 0..<steps {
                let mask = try constraint.mask(&state)
                var allowed: [Int32] = []
                for token in 0..<Int32(small.tokens.count) {
                    let bytes = small.tokens[Int(token)]
                    let expected =
                        SmallVocabulary.controls.contains(token)
                        ? token == SmallVocabulary.end && naive.isAccepting
                        : !bytes.isEmpty && naive.allows(bytes)
                    if mask.contains(token) != expected {
                        Issue.record(
                            "token \(token) \(String(decoding: bytes, as: UTF8.self)) \(expected) seed \(seed)"
                        )
                        return
                    }
                    if expected { allowed.append(token) }
                }
                #expect(!allowed.isEmpty, "a mask is never empty")
                #expect(state.isComplete == naive.isAccepting)
                #expect(state.isExhausted == (allowed == [SmallVocabulary.end]))
                // Long tokens lead on faster than the many single bytes.
                let long = allowed.filter { $0 > SmallVocabulary.callToken }
                let choice = !long.isEmpty && random.chance(0.6) ? long : allowed
                guard
                    let token = choice.isEmpty ? nil : choice[random.int(in: 0...choice.count - 1)],
                    token != SmallVocabulary.end
                else { break }
                let before = state
                try constraint.accept(token, &state)
                for byte in small.tokens[Int(token)] { naive.take(byte) }
                // A state is a value: what came of a copy doesn't change it.
                var copy = before
                #expect(try constraint.mask(&copy) == mask)
            }
        }
    }

    @Test func `masks of schemas are exact`() throws {
        for (index, example) in JSONSchemaTests.cases.enumerated() {
            try check(.jsonSchema(example.schema, path: ""), walks: 2, seed: UInt64(index))
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func `masks of random grammars are exact`(seed: UInt64) throws {
        var grammars = RandomGrammars(seed: seed)
        try check(.gbnf(grammars.gbnf(), path: ""), seed: seed)
        try check(.regex(grammars.regex(depth: 0), path: ""), seed: seed)
        try check(.jsonSchema(grammars.schema(depth: 0), path: ""), seed: seed)
    }

    /// Texts of which most tokens are told without a walk: endless and counted ones, near their
    /// limits and far from them, and ones that end anywhere within their rule.
    @Test(
        arguments: [
            #"root ::= "\"" [^"\\]* "\"""#, #"root ::= [a-z]* "!""#, #"root ::= [a-zé日]{0,40} "!""#,
            #"root ::= "b" [^\x00-\x1F]{1,5} "\n""#, #"root ::= .{20,60} "\n""#,
            #"root ::= [^a]{2,} "aa""#, #"root ::= (word " ")+"# + "\nword ::= [a-z]+",
            #"root ::= (word [ é])+"# + "\nword ::= [a-z0-9]{2,9} | \"é\"",
            #"root ::= (text "\"")+"# + "\ntext ::= [^\"]*",
        ]
    )
    func `masks of texts are exact`(gbnf: String) throws {
        try check(.gbnf(gbnf, path: ""), walks: 6, steps: 30, seed: 3)
    }

    @Test(arguments: [0, 1, 3, 9, 23, 24, 25, 31, 32, 33, 41, 90], [0, 1, 20])
    func `masks of strings with bounds are exact`(longest: Int, shortest: Int) throws {
        let schema: JSONValue = [
            "type": "string", "maxLength": .integer(longest),
            "minLength": .integer(min(shortest, longest)),
        ]
        try check(.jsonSchema(schema, path: ""), walks: 4, steps: 24, seed: UInt64(longest))
    }

    @Test func `masks of triggered grammars are exact but for control tokens`() throws {
        let expression = GrammarExpression.sequence([
            .text(notContaining: ["<tool_call>", "abab"], controlTokens: false),
            .oneOf(["<tool_call>", "abab"]), .regex("x{2,40}y", path: ""),
        ])
        try check(expression, walks: 3, steps: 40, seed: 1)
    }

    @Test func `forgetting parse sets changes nothing`() throws {
        var limits = GrammarLimits.default
        limits.maximumParseStateCount = 400
        let schema: JSONValue = ["type": "array", "items": ["type": "object"]]
        let expression = GrammarExpression.jsonSchema(schema, path: "")
        let small = Self.small
        let tight = try TokenConstraint(
            try Grammar(expression, limits: limits),
            vocabulary: small.vocabulary
        )
        let ample = try TokenConstraint(try Grammar(expression), vocabulary: small.vocabulary)
        var random = SeededGenerator(seed: 7)
        var tightState = try tight.start()
        var ampleState = try ample.start()
        for _ in 0..<200 {
            let mask = try tight.mask(&tightState)
            #expect(try ample.mask(&ampleState) == mask)
            let allowed = (0..<Int32(small.tokens.count)).filter { mask.contains($0) }
            let token = allowed[random.int(in: 0...allowed.count - 1)]
            if token == SmallVocabulary.end { break }
            try tight.accept(token, &tightState)
            try ample.accept(token, &ampleState)
        }
    }
}
