/// Every command, in the order of the help.
package enum CommandTable {
    static let all: [Command] = [
        VersionCommand.command
    ]

    /// The names of all commands, for the test that reads the README.
    package static var names: [String] { all.map(\.specification.name) }
}
