import Grammars
import Testing

@Suite struct RegexTests {
    private let small = SmallVocabulary()

    static let cases: [(regex: String, accepted: [String], rejected: [String])] = [
        ("", [""], ["a"]),
        ("a|bc|", ["a", "bc", ""], ["b", "abc"]),
        ("(?:ab)+c?", ["ab", "ababc"], ["", "abcab"]),
        ("a{2}b{1,}c{0,2}", ["aab", "aabbbcc"], ["ab", "aabccc"]),
        ("a{,2}{x}", ["a{,2}{x}"], ["aa"]),
        ("x{3,60}", ["xxx", String(repeating: "x", count: 60)], ["xx"]),
        ("(a{1,30}b){2,40}", ["abab", "aaabab"], ["ab", "abba"]),
        (
            #"\d\D\w\W\s\S"#,
            ["1aa b".replacing("b", with: "\tb"), "1xé!".isEmpty ? "" : "1é_! x"], ["aaa"]
        ),
        (#"[a-c\d_-]+"#, ["a1_-", "c"], ["d", ""]),
        ("[^a-z]", ["A", "é", "\n", "日"], ["a", ""]),
        ("[]?b", ["b"], ["]b"]),
        (".", ["a", "日", "😀"], ["\n", "\u{2028}", ""]),
        (#"\x41\u0042\u{43}\cJ\ud83d\ude00"#, ["ABC\n😀"], ["ABC"]),
        (#"\.\*\[\]\(\)\{\}\/\-"#, [".*[](){}/-"], ["a"]),
        ("(?<year>[0-9]{4})-(?P<month>[0-9]{2})", ["2024-05"], ["2024-5"]),
        ("a+?b*?c??", ["a", "aabbc"], ["bc"]),
        ("^abc$", ["abc"], ["abcd", ""]),
        ("^a|b$", ["a", "b"], ["ab", "^a"]),
        ("(^a|b)c", ["ac", "bc"], ["c"]),
    ]

    @Test(arguments: cases)
    func `matches as ECMAScript does, as a whole`(
        regex: String,
        accepted: [String],
        rejected: [String]
    ) throws {
        for text in accepted {
            #expect(try small.accepts(text, .regex(regex, path: "")), "should accept \(text)")
        }
        for text in rejected {
            #expect(try !small.accepts(text, .regex(regex, path: "")), "should reject \(text)")
        }
    }

    @Test(
        arguments: [
            "(", ")", "[a", "a**b(", "*a", "a{3,1}", #"\"#, #"\q"#, "(?=a)", "(?<!a)b", #"(a)\1"#,
            #"\bword\b"#, #"\p{L}"#, "[z-a]", #"\ud83d"#, "(?i)a", "a{0,99999999}", "[]", "$a",
            "a^",
        ]
    )
    func `refuses what it cannot carry, with the path`(regex: String) {
        let error = #expect(throws: GrammarError.self) {
            try Grammar(.regex(regex, path: "guided_regex"))
        }
        #expect(error?.path == "guided_regex")
    }
}
