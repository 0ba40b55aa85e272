/// A command line that cannot be understood; the process ends with code 2.
struct UsageError: Error, Equatable, CustomStringConvertible {
    /// The command it belongs to, or nil when there is none yet.
    let command: String?
    /// What is wrong, naming the option or argument.
    let problem: String

    /// One line that says what is wrong and what to do.
    var description: String {
        let help = command.map { "torii \($0) --help" } ?? "torii --help"
        return "\(problem); see `\(help)`"
    }
}
