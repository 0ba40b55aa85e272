import JSON

/// `torii pin MODEL` and `torii unpin MODEL`: whether a model may go.
enum PinCommand {
    static let pin = command(
        "pin",
        summary: "Keep a model in memory whatever happens",
        discussion: """
            It is unloaded neither because it is idle nor for the sake of other models, until the
            daemon ends. It is not loaded by this: use `torii load MODEL`.
            """
    )

    static let unpin = command(
        "unpin",
        summary: "Let a pinned model go when its memory is needed",
        discussion: "From now on it is unloaded when it is idle, or when others need its memory."
    )

    private static func command(_ name: String, summary: String, discussion: String) -> Command {
        Command(
            specification: CommandSpecification(
                name: name,
                summary: summary,
                discussion: discussion,
                options: [DaemonClient.hostOption, DaemonClient.jsonOption],
                positionals: [LoadCommand.modelArgument]
            ),
            run: { arguments, environment in
                let client = try DaemonClient(arguments, in: environment)
                let path = ModelObject.path(arguments.positional(0) ?? "")
                let answer = try client.post("\(path)/\(name)", [:])
                if arguments.flag("--json") {
                    environment.terminal.writeLine(answer.serialized())
                }
                return 0
            }
        )
    }
}
