import Daemon
import HTTP
import JSON

/// `torii check-config`: says what is wrong with the configuration, without starting anything.
enum CheckConfigCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "check-config",
            summary: "Check the configuration without starting the daemon",
            discussion: """
                Reads the file, the TORII_… variables and the options as `torii serve` would, and
                prints every problem. Exits with 0 when the daemon would start with it, with 1
                when not.
                """,
            options: ConfigurationOptions.all + [DaemonClient.jsonOption],
            positionals: [
                PositionalSpecification(
                    name: "FILE",
                    isOptional: true,
                    help: "configuration file; the one `torii serve` would read otherwise"
                )
            ]
        ),
        run: { arguments, environment in
            let file = arguments.positional(0)
            let problems: [ConfigurationProblem]
            var configuration: DaemonConfiguration?
            do {
                let sources = try ConfigurationOptions.sources(
                    arguments,
                    file: file,
                    in: environment
                )
                configuration = try DaemonConfiguration(checking: sources)
                problems = []
            } catch let error as ConfigurationProblems {
                problems = error.problems
            } catch let error as ConfigurationProblem {
                problems = [error]
            }
            report(
                configuration,
                problems,
                asJSON: arguments.flag("--json"),
                to: environment.terminal
            )
            return problems.isEmpty ? 0 : 1
        }
    )

    private static func report(
        _ configuration: DaemonConfiguration?,
        _ problems: [ConfigurationProblem],
        asJSON: Bool,
        to terminal: Terminal
    ) {
        if asJSON {
            let list = problems.map { problem in
                JSONValue.object([
                    "source": .string(problem.source), "key": .string(problem.key),
                    "message": .string(problem.message),
                ])
            }
            let answer: JSONObject = [
                "valid": .bool(problems.isEmpty),
                "file": configuration?.filePath.map { .string($0) } ?? .null,
                "problems": .array(list),
            ]
            terminal.writeLine(JSONValue.object(answer).serialized())
            return
        }
        for problem in problems { terminal.writeErrorLine("torii: \(problem)") }
        guard let configuration else { return }
        let file = configuration.filePath ?? "no file, only defaults, variables and options"
        terminal.writeLine("The configuration is valid: \(file)")
        terminal.writeLine(
            "  listens on  " + configuration.listen.map(\.description).joined(separator: ", ")
        )
        terminal.writeLine(
            "  models in   " + configuration.modelDirectories.joined(separator: ", ")
        )
        let keys = configuration.asksForKeys ? "asked for" : "none, clients need no key"
        terminal.writeLine("  API keys    " + keys)
    }
}
