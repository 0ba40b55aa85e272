import JSON

/// `torii reload`: has the daemon read its configuration again.
enum ReloadCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "reload",
            summary: "Have the daemon read its configuration again",
            discussion: """
                All or nothing: a configuration with a mistake changes nothing, and the mistake is
                named with its line. Running models go on, unless their own settings changed: these
                finish their requests, and are loaded anew when they are next used.
                """,
            options: [DaemonClient.hostOption, DaemonClient.jsonOption]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let answer = try client.post("/admin/v1/reload", [:])
            environment.terminal.writeLine(
                arguments.flag("--json") ? answer.serialized() : text(answer)
            )
            return 0
        }
    )

    /// A line for each kind of consequence.
    static func text(_ answer: JSONValue) -> String {
        let lines = [
            ("changed", "changed: "), ("unloading", "loaded anew when next used: "),
            ("restart_needed", "needs a restart of the daemon: "),
        ].compactMap { key, title -> String? in
            let names = (answer[key]?.arrayValue ?? []).compactMap(\.stringValue)
            return names.isEmpty ? nil : title + names.joined(separator: ", ")
        }
        return lines.isEmpty ? "Nothing changed." : lines.joined(separator: "\n")
    }
}
