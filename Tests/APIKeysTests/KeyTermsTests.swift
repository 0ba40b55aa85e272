import APIKeys
import JSON
import Testing
import WorkerProtocol

@Suite struct KeyTermsTests {
    @Test(arguments: [
        ("*", "anything", true), ("qwen*", "Qwen2.5-coder", true), ("qwen*", "my-qwen", false),
        ("*coder*", "qwen2.5-coder-0.5b", true), ("a?c", "abc", true), ("a?c", "ac", false),
        ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyy", false), ("", "", true), ("", "a", false),
        ("tiny", "tiny", true), ("tiny", "tiny2", false), ("**", "", true), ("*a", "aaab", false),
    ])
    func `matches names of models`(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(ModelPattern(pattern).matches(name) == matches)
    }

    @Test func `takes no longer than names times patterns for the worst of them`() {
        let pattern = ModelPattern(String(repeating: "*a", count: 128) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 4096)))
    }

    @Test func `reads terms and writes them back`() throws {
        let object: JSONObject = [
            "name": "alice@lan", "scopes": ["infer", "read"], "models": ["qwen*", "tiny"],
            "requests_per_minute": 60, "tokens_per_minute": 1000, "concurrent_requests": 2,
            "weight": 0.5, "class": "batch", "private": true, "expires": 2000,
        ]
        let terms = try KeyTerms(object, now: 5)
        #expect(terms.scopes == [.infer, .read] && terms.priority == .batch && terms.isPrivate)
        #expect(terms.json == object)
        #expect(terms.isExpired(now: 2000) && !terms.isExpired(now: 1999))
        #expect(terms.allowsModel(named: ["QWEN2"]) && !terms.allowsModel(named: ["llama"]))
        let plain = try KeyTerms(["name": "bob", "models": nil], now: 5)
        #expect(plain == KeyTerms(name: "bob") && plain.scopes == [.infer])
        #expect(plain.allowsModel(named: ["anything"]) && !plain.isExpired(now: .max))
    }

    @Test(arguments: [("30d", 2_592_000), ("12h", 43_200), ("15m", 900), ("90s", 90), ("7", 7)])
    func `reads how long a key lives`(_ text: String, _ seconds: Int) throws {
        let terms = try KeyTerms(["name": "a", "expires_in": .string(text)], now: 1000)
        #expect(terms.expires == 1000 + seconds)
    }

    @Test(
        arguments: [
            ([:], "name"), (["name": "a b"], "name"), (["name": ""], "name"),
            (["name": "a", "scope": ["infer"]], "scope"), (["name": "a", "scopes": []], "scopes"),
            (["name": "a", "scopes": ["root"]], "scopes"),
            (["name": "a", "models": "x"], "models"),
            (["name": "a", "models": [""]], "models"), (["name": "a", "weight": 0], "weight"),
            (["name": "a", "requests_per_minute": 0], "requests_per_minute"),
            (["name": "a", "tokens_per_minute": 1.5], "tokens_per_minute"),
            (["name": "a", "class": "urgent"], "class"), (["name": "a", "private": 1], "private"),
            (["name": "a", "expires_in": "soon"], "expires_in"),
            (["name": "a", "expires_in": "9999999999d"], "expires_in"),
            (["name": "a", "expires_in": "1d", "expires": 5], "expires_in"),
        ] as [(JSONObject, String)]
    )
    func `names the member that is wrong`(_ object: JSONObject, _ member: String) {
        let problem = #expect(throws: KeyTermsProblem.self) { try KeyTerms(object, now: 0) }
        #expect(problem?.member == member)
    }

    @Test func `lets the scope admin do everything`() {
        for scope in KeyScope.allCases {
            #expect(Set([KeyScope.admin]).allows(scope))
            #expect(Set([KeyScope.infer]).allows(scope) == (scope == .infer))
        }
    }
}
