import Grammars
import TestSupport

/// A vocabulary of all single bytes, some longer tokens, and control tokens.
struct SmallVocabulary {
    static let end: Int32 = 256
    static let thinkToken: Int32 = 257
    static let callToken: Int32 = 258

    let tokens: [[UInt8]]
    let vocabulary: GrammarVocabulary

    static let controls: Set<Int32> = [end, thinkToken, callToken]

    /// - Parameter texts: The longer tokens, of which some may be equal.
    init(_ texts: [String] = SmallVocabulary.texts) {
        tokens =
            (UInt8.min...UInt8.max).map { [$0] }
            + ["<|end|>", "<think>", "[CALL]"].map { Array($0.utf8) }
            + texts.map { Array($0.utf8) } + Self.pieces
        vocabulary = GrammarVocabulary(
            tokens: tokens,
            controlTokens: Self.controls,
            endTokens: [Self.end]
        )
    }

    static let texts = [
        "", "a", "ab", "abc", "abcabc", "b", "\"", "\":", "\": ", "\",", "\", \"", "{\"", "\"}",
        "{\"a\":", "}}", "},{", "[]", "[{", "\n", "\n  ", "\n    ", "  ", " ", "1", "12", "123",
        "1,",
        "1}", "-1", "0.", ".5", "1e", "true", "false", "null", "nul", "tr", "\\", "\\n", "\\u00",
        "\\\"", "é", "日本", "日", "😀", "\u{7F}", "name", "name\"", "\"name\"", "x\": \"", "a\"b",
        "<tool",
        "<tool_call>", "<tool_call>x", "call>", "2024-", "-02-", "T1", ".", "@", "@a.", "::",
        "abab",
        "ba", "bab", "+", "*", "(", ")", "()", "((", "))", "1+1", "a=", "=\n", "- ", "O-O", "Nf3 ",
        "1. ",
        "abc", "日本", String(repeating: "a", count: 24), String(repeating: "a", count: 30),
        String(repeating: "ab", count: 20), String(repeating: " ", count: 40),
        String(repeating: "é", count: 14),
    ]

    /// Tokens that begin or end within a character, or aren't text at all.
    static let pieces: [[UInt8]] = [
        [0xE6, 0x97], [0x61, 0xE6], [0x62, 0xF0, 0x9F], [0x97, 0xA5], [0xA5, 0x61, 0x61],
        [0xED, 0xA0], [0xED, 0xA0, 0x80], [0xE0, 0x80], [0xC0, 0x80], [0x61, 0xFF], [0xF4, 0x90],
        [0xC3, 0xA9, 0xC3], [0xC3, 0xA9, 0xA9],
    ]

    /// Whether a text follows a grammar from its start to an end, byte by byte.
    func accepts(_ text: String, _ expression: GrammarExpression) throws -> Bool {
        let constraint = try TokenConstraint(try Grammar(expression), vocabulary: vocabulary)
        var state = try constraint.start()
        for byte in text.utf8 {
            do {
                try constraint.accept(Int32(byte), &state)
            } catch TokenConstraint.Failure.notAllowed {
                return false
            }
        }
        return state.isComplete
    }
}
