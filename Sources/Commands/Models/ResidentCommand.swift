import JSON
import Telemetry

/// `torii ps`: what is resident, and the memory and work of each.
enum ResidentCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "ps",
            summary: "Show the models in memory and what they do",
            options: [DaemonClient.hostOption, DaemonClient.jsonOption]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let (_, models) = try ModelObject.all(from: client)
            let present = models.filter { $0.json["state"]?.stringValue != "unloaded" }
            let terminal = environment.terminal
            if arguments.flag("--json") {
                let list = JSONValue.array(present.map(\.json))
                terminal.writeLine(JSONValue.object(["models": list]).serialized())
            } else if present.isEmpty {
                terminal.writeErrorLine(
                    "No model is in memory; a model is loaded when it is first used."
                )
            } else {
                terminal.write(table(present, now: Timestamp.now().seconds))
            }
            return 0
        }
    )

    /// One line per model: KV is the share of the memory for keys and values in use, REUSED that of
    /// the prompt tokens that needed no computation, GUESSED that of the guessed tokens that were
    /// right.
    static func table(_ models: [ModelObject], now: Int) -> String {
        var table = TextTable([
            ("NAME", .left), ("STATE", .left), ("WEIGHTS", .right), ("CONTEXT", .right),
            ("RUNNING", .right), ("WAITING", .right), ("KV", .right), ("REUSED", .right),
            ("GUESSED", .right), ("PID", .right), ("LAST USED", .left),
        ])
        for model in models {
            func number(_ key: String) -> String {
                model.json[key]?.intValue.map { "\($0)" } ?? "-"
            }
            let lastUsed = model.json["last_used"]?.intValue.map {
                Quantity.duration(seconds: now - $0) + " ago"
            }
            table.append([
                model.id, model.state, model.factBytes("weight_byte_count"),
                model.fact("context_length"), number("running"), number("waiting"),
                model.share("kv_blocks_in_use", of: ["kv_block_count"]),
                model.share(
                    "cached_token_total",
                    of: ["cached_token_total", "prompt_token_total"]
                ),
                model.share("accepted_draft_token_total", of: ["draft_token_total"]),
                number("pid"), lastUsed ?? "-",
            ])
        }
        return table.text
    }
}
