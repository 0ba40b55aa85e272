/// A command that could not do its work: one line that says what to do, and the exit code.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    /// What failed and how to mend it, without a full stop.
    let description: String
    /// What the process exits with; 1 unless the system knows a better one (sysexits(3)).
    let exitCode: Int32

    init(_ description: String, exitCode: Int32 = 1) {
        self.description = description
        self.exitCode = exitCode
    }
}
