import JSON

/// `torii list`: the catalog.
enum ListCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "list",
            summary: "List the models of the daemon",
            options: [DaemonClient.hostOption, DaemonClient.jsonOption]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let (json, models) = try ModelObject.all(from: client)
            let terminal = environment.terminal
            if arguments.flag("--json") {
                terminal.writeLine(json.serialized())
            } else if models.isEmpty {
                terminal.writeErrorLine(
                    "The daemon has no models. Put a .gguf file into a directory given with "
                        + "`torii serve --models DIR`; it is found within a second."
                )
            } else {
                terminal.write(table(models))
            }
            return 0
        }
    )

    static func table(_ models: [ModelObject]) -> String {
        var table = TextTable([
            ("NAME", .left), ("SIZE", .right), ("STATE", .left), ("ALIASES", .left),
        ])
        for model in models {
            var aliases = (model.json["aliases"]?.arrayValue ?? []).compactMap(\.stringValue)
            if model.adapter != nil {
                aliases.append("(adapter)")
            } else if let base = model.json["variant_of"]?.stringValue {
                aliases.append("(variant of \(base))")
            }
            table.append([
                model.id, model.fileSize, model.state, aliases.joined(separator: ", "),
            ])
        }
        let problems = models.compactMap { model in
            model.problem.map { "\(model.id): \($0)\n" }
        }
        guard !problems.isEmpty else { return table.text }
        return table.text + "\n" + problems.joined() + "`torii show NAME` says more.\n"
    }
}
