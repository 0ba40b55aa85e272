import Testing

@testable import Commands

@Suite struct ArgumentParserTests {
    private let parser = ArgumentParser(
        specification: CommandSpecification(
            name: "try",
            summary: "Tries",
            options: [
                .value("--prompt", "-p", name: "N", help: "tokens"),
                .value("--listen", name: "ADDRESS", canRepeat: true, help: "where"),
                .flag("--json", help: "JSON"),
            ],
            positionals: [
                PositionalSpecification(name: "MODEL", help: "which"),
                PositionalSpecification(name: "TEXT", isOptional: true, help: "what"),
            ]
        )
    )

    private func problem(_ words: [String]) -> String {
        do {
            return "no problem: \(try parser.parse(words))"
        } catch {
            return error.description
        }
    }

    @Test func `reads options before, between and after arguments`() throws {
        let parsed = try parser.parse([
            "--json", "tiny", "-p", "5", "hi", "--listen=a", "--listen", "b",
        ])
        #expect(parsed.flag("--json"))
        #expect(parsed.positionals == ["tiny", "hi"])
        #expect(try parsed.integer("--prompt", in: 1...9) == 5)
        #expect(parsed.strings("--listen") == ["a", "b"])
    }

    @Test func `takes every word after two dashes as an argument`() throws {
        #expect(try parser.parse(["--", "-p", "--json"]).positionals == ["-p", "--json"])
    }

    @Test func `takes a lone dash as an argument`() throws {
        #expect(try parser.parse(["-"]).positionals == ["-"])
    }

    @Test(arguments: [
        ([], "MODEL is missing; see `torii try --help`"),
        (["a", "b", "c"], "unexpected argument c; see `torii try --help`"),
        (["a", "--nope"], "unknown option --nope; see `torii try --help`"),
        (["a", "-p"], "-p needs a value: -p N; see `torii try --help`"),
        (["a", "--json=1"], "--json takes no value; see `torii try --help`"),
        (["a", "-p", "1", "--prompt", "2"], "--prompt is given twice; see `torii try --help`"),
    ])
    func `names the mistake`(words: [String], message: String) {
        #expect(problem(words) == message)
    }

    @Test func `wants help even when arguments are missing`() throws {
        #expect(try parser.parse(["-h"]).wantsHelp)
    }

    @Test func `bounds numbers and lists`() throws {
        let parsed = try parser.parse(["m", "-p", "1,8,x"])
        #expect(throws: UsageError.self) { try parsed.integer("--prompt", in: 1...9) }
        #expect(throws: UsageError.self) { try parsed.integers("--prompt", in: 1...9) }
        let list = try parser.parse(["m", "-p", "1,8"])
        #expect(try list.integers("--prompt", in: 1...9) == [1, 8])
        #expect(throws: UsageError.self) { try list.integers("--prompt", in: 1...7) }
    }

    @Test func `shows every option in the help`() {
        let help = parser.specification.helpText
        #expect(help.contains("Usage: torii try [OPTIONS] MODEL [TEXT]"))
        #expect(help.contains("-p, --prompt N"))
        #expect(help.contains("-h, --help"))
    }
}
