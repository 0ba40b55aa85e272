import JSON
import Synchronization
import Testing

@testable import Commands

@Suite struct CommandLineInterfaceTests {
    private struct Outcome {
        let code: Int32
        let output: String
        let error: String
    }

    private final class Streams: Sendable {
        let output = Mutex<[UInt8]>([])
        let error = Mutex<[UInt8]>([])
    }

    private func run(_ words: String..., variables: [String: String] = [:]) -> Outcome {
        let streams = Streams()
        let terminal = Terminal(
            writeOutput: { bytes in streams.output.withLock { $0 += bytes } },
            writeError: { bytes in streams.error.withLock { $0 += bytes } },
            isInteractive: false,
            hasInputTerminal: true,
            showsProgress: false
        )
        let environment = CommandEnvironment(variables: variables, terminal: terminal)
        let code = CommandLineInterface.run(words, in: environment)
        return Outcome(
            code: code,
            output: String(decoding: streams.output.withLock { $0 }, as: UTF8.self),
            error: String(decoding: streams.error.withLock { $0 }, as: UTF8.self)
        )
    }

    @Test func `prints an overview and fails without a command`() {
        let outcome = run()
        #expect(outcome.code == 2)
        #expect(outcome.error.contains("Usage: torii COMMAND"))
        let help = run("--help")
        #expect(help.code == 0)
        #expect(help.output.contains("  serve "))
        #expect(!help.output.contains("worker"))
    }

    @Test func `has help for every command`() {
        for command in CommandTable.all.map(\.specification) {
            let outcome = run(command.name, "--help")
            #expect(outcome.code == 0)
            #expect(outcome.output.hasPrefix(command.summary))
            #expect(!command.summary.hasSuffix("."))
        }
    }

    @Test(arguments: [
        ["fly"], ["version", "--fast"], ["show"], ["run"], ["list", "extra"], ["help", "fly"],
        ["load"], ["plan"], ["pin"], ["load", "m", "--context", "few"],
        ["run", "m", "--set", "colour=red"], ["run", "m", "--set", "seed=x"],
    ])
    func `answers wrong usage with code 2 and one line`(words: [String]) {
        let streams = runWords(words)
        #expect(streams.code == 2)
        #expect(streams.error.hasPrefix("torii: "))
        #expect(streams.error.contains("--help`"))
        #expect(streams.error.split(separator: "\n").count == 1)
    }

    private func runWords(_ words: [String]) -> Outcome {
        switch words.count {
        case 1: run(words[0])
        case 2: run(words[0], words[1])
        default: run(words[0], words[1], words[2], words[3])
        }
    }

    @Test func `says how to reach a daemon that is not there`() {
        let outcome = run("list", "--host", "127.0.0.1:1")
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("start one with `torii serve`"))
    }

    @Test func `refuses an address that it cannot use`() {
        let https = run("list", variables: ["TORII_HOST": "https://example.org"])
        #expect(https.code == 1)
        #expect(https.error.contains("only http:// is spoken here"))
        let name = run("list", variables: ["TORII_HOST": "nowhere:x"])
        #expect(name.code == 1)
        #expect(name.error.hasPrefix("torii: TORII_HOST: nowhere:x"))
    }

    @Test func `prints the version as text and as JSON`() throws {
        #expect(run("version").output == "torii 0.1.0\n")
        #expect(run("--version").output == "torii 0.1.0\n")
        let json = try JSONValue.parse(run("version", "--json").output)
        #expect(json["version"]?.stringValue == "0.1.0")
    }

    @Test func `checks a configuration`() throws {
        let good = run("check-config", "--listen", "127.0.0.1:1", variables: ["HOME": "/x"])
        #expect(good.code == 0)
        #expect(good.output.contains("The configuration is valid"))
        let bad = run("check-config", "/nowhere.json", "--json", variables: ["HOME": "/x"])
        #expect(bad.code == 1)
        let json = try JSONValue.parse(bad.output)
        #expect(json["valid"]?.boolValue == false)
        #expect(json["problems"]?[0]?["source"]?.stringValue == "/nowhere.json")
    }
}
