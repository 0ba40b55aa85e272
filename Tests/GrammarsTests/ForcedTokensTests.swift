import Grammars
import JSON
import Testing

@Suite struct ForcedTokensTests {
    private static let small = SmallVocabulary()

    /// The texts of the tokens that must follow some output.
    private func forced(
        _ expression: GrammarExpression,
        after output: String,
        maximum: Int = 8
    ) throws -> [String] {
        let vocabulary = Self.small.vocabulary
        let constraint = try TokenConstraint(try Grammar(expression), vocabulary: vocabulary)
        var state = try constraint.start()
        for byte in output.utf8 { try constraint.accept(Int32(byte), &state) }
        let tokens = try constraint.forcedTokens(&state, maximum: maximum)
        return tokens.map { String(decoding: Self.small.tokens[Int($0)], as: UTF8.self) }
    }

    @Test func `the rest of a name must follow its beginning`() throws {
        let schema: JSONValue = [
            "type": "object", "properties": ["name": ["enum": ["trap", "true"]]],
            "required": ["name"], "additionalProperties": false,
        ]
        let expression = GrammarExpression.jsonSchema(schema, path: "")
        #expect(try forced(expression, after: "{\"") == ["name\"", ":"])
        #expect(try forced(expression, after: "{\"", maximum: 1) == ["name\""])
        // White space may come first.
        #expect(try forced(expression, after: "{") == [])
        #expect(try forced(expression, after: "{\"name\":\"") == ["tr"])
        #expect(try forced(expression, after: "{\"name\":\"tra") == ["p", "\""])
    }

    @Test func `nothing must follow where there is a choice or an end`() throws {
        #expect(try forced(.regex("ab[cd]", path: ""), after: "") == ["ab"])
        #expect(try forced(.regex("ab?", path: ""), after: "a") == [])
        #expect(try forced(.regex("(abc)*", path: ""), after: "") == [])
        #expect(try forced(.regex("(abc)*", path: ""), after: "ab") == ["c"])
        #expect(try forced(.literal("abc"), after: "abc") == [])
        #expect(try forced(.text(notContaining: ["abab"], controlTokens: false), after: "ab") == [])
    }

    @Test func `a mask is known once it was made`() throws {
        let constraint = try TokenConstraint(
            try Grammar(.regex("[a-z]+", path: "")),
            vocabulary: Self.small.vocabulary
        )
        var state = try constraint.start()
        #expect(!constraint.knowsMask(of: state))
        _ = try constraint.mask(&state)
        #expect(constraint.knowsMask(of: state))
        try constraint.accept(0x61, &state)
        #expect(!constraint.knowsMask(of: state))
    }
}
