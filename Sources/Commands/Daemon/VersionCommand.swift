import Daemon

/// `torii version`: the version of this executable.
enum VersionCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "version",
            summary: "Print the version",
            options: [.flag("--json", help: "print JSON")]
        ),
        run: { arguments, environment in
            let version = ProductVersion.current
            environment.terminal.writeLine(
                arguments.flag("--json") ? "{\"version\":\"\(version)\"}" : "torii \(version)"
            )
            return 0
        }
    )
}
