import JSON

/// `torii unload MODEL`: gives a model's memory back.
enum UnloadCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "unload",
            summary: "Unload a model from memory",
            discussion: """
                The model's running requests finish first, and the command waits for them and for the
                memory. Requests that wait for the model to load are refused.
                """,
            options: [
                .flag("--no-wait", help: "return at once"),
                DaemonClient.hostOption, DaemonClient.jsonOption,
            ],
            positionals: [LoadCommand.modelArgument]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let terminal = environment.terminal
            let path = ModelObject.path(arguments.positional(0) ?? "")
            let waits = !arguments.flag("--no-wait")
            let progress =
                waits && terminal.showsProgress
                ? try LoadProgress(of: path, client: client, terminal: terminal) : nil
            let answer: JSONValue
            do {
                defer { progress?.end() }
                answer = try client.post(path + "/unload", ["wait": .bool(waits)])
            }
            if arguments.flag("--json") {
                terminal.writeLine(answer.serialized())
            } else if terminal.showsProgress {
                terminal.writeErrorLine(summary(answer))
            }
            return 0
        }
    )

    /// One line about what the daemon answered.
    static func summary(_ answer: JSONValue) -> String {
        let model = ModelObject(json: answer["model"] ?? .null)
        switch model.json["state"]?.stringValue {
        case "unloaded": return "\(model.id) is not in memory"
        case "draining":
            return "\(model.id) goes once its requests have ended; `torii ps` shows them"
        default: return "\(model.id) is \(model.state) again: somebody else wants it"
        }
    }
}
