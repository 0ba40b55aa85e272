import Glibc
import Telemetry

/// The command line `torii COMMAND …`: finds the command, parses its words, runs it.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, and what a command's `CommandFailure` asks for.
package enum CommandLineInterface {
    /// Runs the command that `arguments` (without the program's name) ask for.
    ///
    /// Call it once, on the main thread; the process exits with the result.
    package static func main(_ arguments: [String]) -> Int32 {
        // A reader that goes away is an error of `write`, not a reason to die.
        _ = signal(SIGPIPE, SIG_IGN)
        // So is a file that may grow no more (RLIMIT_FSIZE).
        _ = signal(SIGXFSZ, SIG_IGN)
        let environment = CommandEnvironment(variables: processVariables(), terminal: .standard)
        return run(arguments, in: environment)
    }

    /// `main` with the process's surroundings as a parameter.
    static func run(_ arguments: [String], in environment: CommandEnvironment) -> Int32 {
        let terminal = environment.terminal
        do {
            guard let name = arguments.first else {
                terminal.writeErrorLine(overview)
                return 2
            }
            switch name {
            case "help", "--help", "-h":
                let command = arguments.dropFirst().first
                terminal.write(try command.map { try find($0).specification.helpText } ?? overview)
                return 0
            case "--version", "-V":
                return try run("version", [], in: environment)
            default:
                return try run(name, Array(arguments.dropFirst()), in: environment)
            }
        } catch let error as UsageError {
            terminal.writeErrorLine("torii: \(error)")
            return 2
        } catch let error as CommandFailure {
            terminal.clearProgress()
            terminal.writeErrorLine("torii: \(error)")
            return error.exitCode
        } catch {
            terminal.clearProgress()
            terminal.writeErrorLine("torii: \(error)")
            return 1
        }
    }

    private static func run(
        _ name: String,
        _ words: [String],
        in environment: CommandEnvironment
    ) throws -> Int32 {
        let command = try find(name)
        let arguments = try ArgumentParser(specification: command.specification).parse(words)
        guard !arguments.wantsHelp else {
            environment.terminal.write(command.specification.helpText)
            return 0
        }
        return try command.run(arguments, environment)
    }

    private static func find(_ name: String) throws(UsageError) -> Command {
        guard let command = CommandTable.all.first(where: { $0.specification.name == name }) else {
            throw UsageError(command: nil, problem: "unknown command \(name)")
        }
        return command
    }

    /// What `torii --help` prints.
    static var overview: String {
        let visible = CommandTable.all.map(\.specification).filter { !$0.isHidden }
        return """
            Torii runs language models on this machine behind OpenAI's API.

            Usage: torii COMMAND [OPTIONS]

            Commands:
            \(CommandSpecification.columns(visible.map { ($0.name, $0.summary) }))
            `torii COMMAND --help` explains a command. Commands that talk to a daemon find it at
            TORII_HOST (127.0.0.1:11435 when unset) and show it the key in TORII_API_KEY.

            """
    }

    private static func processVariables() -> [String: String] {
        var variables: [String: String] = [:]
        // Safety: `environ` is a list of C strings that ends with a null pointer, and nothing
        // changes it while the process has one thread.
        var entry = unsafe environ
        while let pointer = unsafe entry.pointee {
            let text = unsafe String(cString: pointer)
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            unsafe entry += 1
        }
        return variables
    }
}
