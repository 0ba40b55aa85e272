import JSON

/// `torii show MODEL`: one model's facts.
enum ShowCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "show",
            summary: "Show the facts of one model",
            options: [
                .flag("--template", help: "print the chat template only"),
                .flag("--log", help: "print what its last process that failed had logged"),
                DaemonClient.hostOption, DaemonClient.jsonOption,
            ],
            positionals: [
                PositionalSpecification(name: "MODEL", help: "name or alias of the model")
            ]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let json = try client.get(ModelObject.path(arguments.positional(0) ?? ""))
            let model = ModelObject(json: json)
            let terminal = environment.terminal
            if arguments.flag("--json") {
                terminal.writeLine(json.serialized())
            } else if arguments.flag("--log") {
                for line in model.logTail { terminal.writeLine(line) }
            } else if arguments.flag("--template") {
                guard let template = model.facts?["chat_template"]?.stringValue else {
                    throw CommandFailure(
                        model.facts == nil
                            ? "\(model.id) is not in memory: its template is known once it was used"
                            : "\(model.id) has no chat template"
                    )
                }
                terminal.writeLine(template)
            } else {
                terminal.write(text(model))
            }
            return 0
        }
    )

    static func text(_ model: ModelObject) -> String {
        var rows = [
            ("name", model.id), ("file", model.json["path"]?.stringValue ?? "-"),
            ("size", model.fileSize), ("state", model.state),
        ]
        if let base = model.json["variant_of"]?.stringValue {
            rows.append((model.adapter == nil ? "variant of" : "adapter of", base))
        }
        if let adapter = model.adapter {
            rows.append(("adapter", adapter["state"]?.stringValue ?? "-"))
            if let rank = adapter["rank"]?.intValue { rows.append(("rank", "\(rank)")) }
            if let message = adapter["message"]?.stringValue { rows.append(("problem", message)) }
        }
        let adapters = (model.json["adapters"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !adapters.isEmpty { rows.append(("adapters", adapters.joined(separator: ", "))) }
        if let message = model.json["message"]?.stringValue { rows.append(("problem", message)) }
        if model.number("counts", "loads") + model.number("counts", "failed_loads") > 0 {
            rows.append(("history", model.history))
        }
        if let failure = model.json["last_failure"]?.stringValue {
            rows.append(("last failure", failure + (model.logTail.isEmpty ? "" : "; see --log")))
        }
        if model.facts != nil {
            rows += [
                ("title", model.fact("name")), ("architecture", model.fact("architecture")),
                ("can", model.tasks),
                (
                    "parameters",
                    model.facts?["parameter_count"]?.intValue.map { Quantity.count($0) } ?? "-"
                ),
                ("quantization", model.fact("quantization")),
                (
                    "context",
                    model.fact("context_length") + " tokens (trained "
                        + model.fact("trained_context_length") + ")"
                ),
                ("vocabulary", model.fact("vocabulary_size") + " tokens"),
                ("embedding", model.fact("embedding_length")),
                ("layers", model.fact("layer_count")),
                ("weights", model.factBytes("weight_byte_count")),
                ("KV per token", model.factBytes("kv_bytes_per_token")),
                ("KV capacity", model.fact("kv_capacity_tokens") + " tokens"),
                ("license", model.fact("license")), ("template", model.templateCapabilities),
                ("sandbox", model.fact("sandbox")),
                ("process", model.json["pid"]?.intValue.map { "\($0)" } ?? "-"),
                (
                    "from cache",
                    model.share(
                        "cached_token_total",
                        of: ["cached_token_total", "prompt_token_total"]
                    ) + " of the prompt tokens"
                ),
                (
                    "guessed",
                    model.share("accepted_draft_token_total", of: ["draft_token_total"])
                        + " of the guesses were right"
                ),
                (
                    "chat template",
                    model.facts?["chat_template"]?.stringValue == nil
                        ? "none" : "yes, see --template"
                ),
            ]
        } else {
            rows.append(("facts", "known once the model is loaded: `torii run \(model.id) hello`"))
        }
        return CommandSpecification.columns(rows)
    }
}
