import APIKeys
import JSON
import Testing

@testable import Commands

@Suite struct KeysCommandTests {
    private func members(_ words: String...) throws -> JSONObject {
        let parser = ArgumentParser(specification: KeysCommand.command.specification)
        return try KeysCommand.members(try parser.parse(["add", "alice"] + words), name: "alice")
    }

    @Test func `says the options in the words of the admin API`() throws {
        let members = try members(
            "--scope",
            "infer",
            "--scope",
            "read",
            "--model",
            "qwen*",
            "--requests-per-minute",
            "60",
            "--tokens-per-minute",
            "1000",
            "--concurrent-requests",
            "2",
            "--weight",
            "0.5",
            "--class",
            "batch",
            "--private",
            "--expires-in",
            "30d"
        )
        let terms = try KeyTerms(members, now: 0)
        #expect(terms.name == "alice" && terms.scopes == [.infer, .read] && terms.isPrivate)
        #expect(terms.requestsPerMinute == 60 && terms.tokensPerMinute == 1000)
        #expect(terms.concurrentRequests == 2 && terms.weight == 0.5 && terms.priority == .batch)
        #expect(terms.expires == 2_592_000 && terms.models.map(\.text) == ["qwen*"])
        #expect(try KeyTerms(try self.members(), now: 0) == KeyTerms(name: "alice"))
    }

    @Test func `refuses numbers that are none`() {
        #expect(throws: UsageError.self) { try members("--weight", "heavy") }
        #expect(throws: UsageError.self) { try members("--requests-per-minute", "0") }
    }

    @Test func `shows keys in a table, and says what it means when there is none`() {
        let table = KeysCommand.table([
            "keys": [
                [
                    "name": "alice", "id": "abcd1234", "scopes": ["infer"], "models": ["qwen*"],
                    "requests_per_minute": 60, "expires": 86_400, "last_used": "2026-11-27",
                ], ["name": "ci", "id": nil, "scopes": ["admin"]],
            ]
        ])
        let lines = table.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("alice  abcd1234") && lines[1].contains("60 requests/min"))
        #expect(lines[1].contains("1970-01-02") && lines[1].hasSuffix("2026-11-27"))
        #expect(lines[2].contains("(in a file)") && lines[2].contains("never"))
        #expect(KeysCommand.table(["keys": [], "required": false]).contains("need none"))
        #expect(KeysCommand.table(["keys": [], "required": true]).contains("torii keys add"))
    }
}
