/// A command of the command line: its specification and what it does.
struct Command: Sendable {
    let specification: CommandSpecification
    /// Does the work and returns the exit code; errors become one line on standard error.
    let run: @Sendable (ParsedArguments, CommandEnvironment) throws -> Int32
}

/// What a command sees of the process around it, so that tests can stand in for it.
struct CommandEnvironment: Sendable {
    /// The variables of the process.
    let variables: [String: String]
    /// Where the command writes and reads.
    let terminal: Terminal

    /// The value of the variable, nil when it is unset or empty.
    func variable(_ name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }
}
