import Testing

@testable import Tokenizers

/// The families' rules at their edges.
///
/// The expectations follow from the regular expressions that `PreTokenizer` cites; `|` separates
/// pieces.
@Suite(.timeLimit(.minutes(15)))
struct PreTokenizerTests {
    private static func pieces(_ text: String, _ rules: SplitRule...) -> [String] {
        pieces(text, PreTokenizer(rules))
    }

    private static func pieces(_ text: String, _ preTokenizer: PreTokenizer) -> [String] {
        let bytes = Array(text.utf8)
        var scanner = PreTokenizerScanner(
            bytes,
            range: 0..<bytes.count,
            preTokenizer: preTokenizer
        )
        var pieces: [String] = []
        while let range = scanner.next() {
            pieces.append(String(decoding: bytes[range], as: UTF8.self))
        }
        return pieces
    }

    private static func split(_ text: String) -> [String] {
        text.split(separator: "|").map(String.init)
    }

    @Test(
        arguments: [
            "Hello| world|!", "I|'m| here|'s", "I|'|M", "a|  | b", "a|\t|b", "a| \n", "x|123| 456",
            "   ", "a| ...|b", "don|'t|'", "é|  | 漢字", "a|\n\n|\n|b",
            "e|~\u{301}|a", "'ll|'ve|ll",
        ]
    )
    func `gpt2 keeps a blank with what follows it`(expected: String) {
        let pieces = Self.split(expected)
        #expect(Self.pieces(pieces.joined(), .gpt2) == pieces)
    }

    @Test(
        arguments: [
            "x|1|2|3| |4", "a| |1", "½|²|٣", "a|  |1| b", "1|  ", "1|\n|\n|a", "3|'s",
        ]
    )
    func `smollm isolates every number`(expected: String) {
        let pieces = Self.split(expected)
        #expect(Self.pieces(pieces.joined(), .run(.number, maximumCount: 1), .gpt2) == pieces)
    }

    @Test(
        arguments: [
            "I|'M| here|'LL", "(hello|)\n", "a|123|456|7", "a| |12", "a|!!\r\n|b", "a| \n\n|  | b",
            "a|\n \n|b", "_x|_y", "a|\u{A0}b", "a| |\u{A0}b", "'sa|'",
            "a|\t|\tb",
        ]
    )
    func `llama3 joins three digits and one leading sign`(expected: String) {
        var pieces = Self.split(expected)
        if expected == "'sa|'" { pieces = ["'s", "a", "'"] }
        #expect(Self.pieces(pieces.joined(), .words(maximumDigitCount: 3)) == pieces)
    }

    @Test func `qwen2 takes digits one by one`() {
        let rules = SplitRule.words(maximumDigitCount: 1)
        #expect(Self.pieces("a12 3", rules) == ["a", "1", "2", " ", "3"])
    }

    @Test func `qwen35 counts marks as letters`() {
        let text = "हिन्दी e\u{301}a"
        let marks = SplitRule.words(maximumDigitCount: 1, marksAreLetters: true)
        #expect(Self.pieces(text, marks) == ["हिन्दी", " e\u{301}a"])
        #expect(Self.pieces(text, .words(maximumDigitCount: 1)).count > 2)
    }

    @Test(
        arguments: [
            "Hello|World|'s", "XMLHttp|Request's", "don't| STOP", "HELLOworld| ABCdef|GH",
            "漢字Ab", "123|4", "a|//\n", "!\u{301}|A", "\u{301}|AB", "_a|_B",
        ]
    )
    func `gpt-4o tells capitals from small letters`(expected: String) {
        var pieces = Self.split(expected)
        if expected == "Hello|World|'s" { pieces = ["Hello", "World's"] }
        let rule = SplitRule.casedWords(maximumDigitCount: 3, takesContractions: true)
        #expect(Self.pieces(pieces.joined(), rule) == pieces)
    }

    @Test func `tekken takes digits one by one and knows no contractions`() {
        let rule = SplitRule.casedWords(maximumDigitCount: 1, takesContractions: false)
        #expect(Self.pieces("It's 12", rule) == ["It", "'s", " ", "1", "2"])
    }

    @Test(
        arguments: [
            ("deepseek-v3", "ab|1234|漢字かな|x", "ab|123|4|漢字かな|x"),
            ("deepseek-v3", "(foo| bar|!?\n| \n|\u{1}\u{2}|\u{3}c", nil),
            ("deepseek-llm", "a|\n|b| !?| |漢字| |12|  ", nil),
            ("deepseek-coder", "a|\r|\n| b| ?!|+|1|2| |漢", nil),
            ("falcon", "a|++|b| |12345", "a|++|b| |123|45"),
            ("superbpe", "a b |1234567", "a b |1|234|567"),
            ("viking", "a| b|.|1|2", nil),
            ("seed-coder", "a|!|\n|b", nil),
        ] as [(String, String, String?)]
    )
    func `rarer families split as their authors' expressions say`(
        name: String,
        text: String,
        expected: String?
    ) throws {
        let settings = try #require(PreTokenizerSettings(named: name))
        let whole = Self.split(text).joined()
        #expect(Self.pieces(whole, settings.preTokenizer) == Self.split(expected ?? text))
    }

    @Test func `pieces make up the text in every family`() {
        var state: UInt64 = 20
        let alphabet = Array("ab1 2\n\r\t'sS!é漢½\u{301}\u{3000}😀".unicodeScalars)
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.unicodeScalars.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            for name in PreTokenizerSettings.names + ["superbpe", "viking", "seed-coder", "gemma4"]
            {
                guard let settings = PreTokenizerSettings(named: name) else {
                    Issue.record("\(name) is not known")
                    continue
                }
                let pieces = Self.pieces(text, settings.preTokenizer)
                #expect(Array(pieces.joined().utf8) == Array(text.utf8))
                #expect(pieces.allSatisfy { !$0.isEmpty })
            }
        }
    }
}
