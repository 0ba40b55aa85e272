/// Every command, in the order of the help.
package enum CommandTable {
    static let all: [Command] = [
        ServeCommand.command, RunCommand.command, ListCommand.command, ResidentCommand.command,
        ShowCommand.command, LoadCommand.command, UnloadCommand.command, PlanCommand.command,
        PinCommand.pin, PinCommand.unpin, AdaptersCommand.command, StatusCommand.command,
        ReloadCommand.command,
        KeysCommand.command, DoctorCommand.command, CheckConfigCommand.command,
        BenchCommand.command, ConvertCommand.command, QuantizeCommand.command,
        LogitsCommand.command, VersionCommand.command, WorkerCommand.command,
    ]

    /// The names of all commands, for the test that reads the README.
    package static var names: [String] { all.map(\.specification.name) }
}
