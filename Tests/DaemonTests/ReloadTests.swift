import Foundation
import Glibc
import ModelService
import Platform
import TestSupport
import Testing

@testable import Daemon

/// What reading the configuration again finds and changes.
@Suite struct ReloadTests {
    private static let text = """
        // how the daemon runs
        {
            listen: ["127.0.0.1:1"],
            models: {
                defaults: {
                    context: 2048 },
                entries: {
                    "a.b": {}, 'a': {
                        aliases: ["x",
                            "y"],
                    },
                },
            },
        }
        """

    @Test(arguments: [
        (["listen"], 3), (["listen", "0"], 3), (["models", "defaults", "context"], 6),
        (["models", "entries", "a.b"], 8), (["models", "entries", "a", "aliases"], 9),
        (["models", "entries", "a", "aliases", "1"], 10), (["models", "nowhere"], 4),
        (["models", "entries", "b", "aliases"], 7), (["nowhere"], nil), ([], nil),
    ])
    func `finds the line of a key, or of the nearest one around it`(path: [String], line: Int?) {
        #expect(JSON5Syntax.line(of: path, in: Array(Self.text.utf8)) == line)
    }

    private func configuration(_ text: String, in folder: TemporaryDirectory) throws
        -> DaemonConfiguration
    {
        let path = folder.path + "/torii.json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let sources = try ConfigurationSources(
            flags: [:],
            configurationFile: path,
            variables: ["HOME": "/nonexistent"],
            isRoot: false
        )
        return try DaemonConfiguration(checking: sources)
    }

    @Test func `tells what can change at run time from what cannot`() throws {
        let folder = try TemporaryDirectory()
        let old = try configuration(
            """
            {
                log_level: "info",
                models: { memory: "1GiB", entries: { a: { context: 64 }, b: {}, c: {} } },
            }
            """,
            in: folder
        )
        let same = old.changes(to: old)
        #expect(same == ConfigurationChanges())
        let new = try configuration(
            """
            {
                listen: ["127.0.0.1:2"], log_prompts: "/tmp/p", log_level: "debug", drain_timeout: 1,
                allowed_hosts: ["ai.lan"], allowed_origins: ["*"],
                models: {
                    directories: ["\(folder.path)"], memory: "2GiB", weight_cache: "1GiB",
                    swap_max_wait: 3,
                    min_residence: 4, preload: ["a"], defaults: { keep_alive: 1 },
                    entries: { a: { context: 128 }, b: {}, d: {} },
                },
            }
            """,
            in: folder
        )
        let changes = old.changes(to: new)
        #expect(changes.needingRestart == ["listen", "models.weight_cache", "log_prompts"])
        #expect(
            changes.applicable == [
                "allowed_hosts", "allowed_origins", "drain_timeout", "log_level",
                "models.directories", "models.memory", "models.swap_max_wait",
                "models.min_residence", "models.preload", "models.defaults", "models.entries.a",
                "models.entries.c", "models.entries.d",
            ]
        )
    }

    @Test func `prompts are written only where the file says so, by a whole path`() throws {
        let folder = try TemporaryDirectory()
        #expect(try configuration("{}", in: folder).logPrompts == nil)
        #expect(try configuration("{ log_prompts: '/a/b' }", in: folder).logPrompts == "/a/b")
        for path in ["", "b", "/a/", "~/b"] {
            let error = #expect(throws: ConfigurationProblems.self) {
                try configuration("{ log_prompts: '\(path)' }", in: folder)
            }
            #expect(error?.problems.map(\.key) == ["log_prompts"])
        }
    }

    @Test func `names the line of what is wrong with a whole configuration`() throws {
        let folder = try TemporaryDirectory()
        let error = #expect(throws: ConfigurationProblems.self) {
            try configuration(
                """
                {
                    models: { entries: {
                        a: { aliases: ["x"] },
                        "b.c": { aliases: ["x"] },
                    } },
                    log_level: "loud",
                }
                """,
                in: folder
            )
        }
        let path = folder.path + "/torii.json"
        #expect(
            error?.problems.map(\.description) == [
                "\(path): line 6: log_level: loud is not one of error, warning, info, debug",
                "\(path): line 4: models.entries.b.c.aliases: `x` already belongs to a",
            ]
        )
    }

    @Test func `a configuration whose reading fails at any step is refused, and read later`() throws
    {
        let folder = try TemporaryDirectory()
        let text = #"{ log_level: "debug", api_key_file: "\#(folder.path)/keys" }"#
        let keys = folder.path + "/keys"
        try Data("0123456789abcdef0123 name=alice\n".utf8).write(to: URL(fileURLWithPath: keys))
        #expect(chmod(keys, 0o600) == 0)
        var number = 1
        while true {
            let plan = FaultPlan(failing: number, code: EIO)
            let read = FaultPlan.$current.withValue(plan) {
                Result { try configuration(text, in: folder) }
            }
            guard plan.hasStruck else {
                #expect(try read.get().logLevel == .debug)
                break
            }
            guard case .failure(let error) = read else {
                Issue.record("step \(number) is passed over")
                return
            }
            #expect("\(error)".contains(folder.path), "says what could not be read: \(error)")
            number += 1
        }
        #expect(number > 4, "two files are opened and read")
    }
}
