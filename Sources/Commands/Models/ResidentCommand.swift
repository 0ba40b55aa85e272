import JSON
import Telemetry

/// `torii ps`: what is resident, and the memory and work of each.
enum ResidentCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "ps",
            summary: "Show the models in memory and what they do",
            discussion: """
                PLANNED is what was computed before a model was loaded, HELD what is set aside for it
                now, RESIDENT what its process takes; KV is how much of the memory for keys and values
                is in use, UNTIL when the model goes.
                """,
            options: [DaemonClient.hostOption, DaemonClient.jsonOption]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let (_, models) = try ModelObject.all(from: client)
            let present = models.filter {
                !$0.isVariant && $0.json["state"]?.stringValue != "unloaded"
            }
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

    /// One line per model.
    ///
    /// PLANNED is what was computed before anything was allocated, HELD what is set aside now, and
    /// RESIDENT what the process takes; KV is the share of the memory for keys and values in use.
    static func table(_ models: [ModelObject], now: Int) -> String {
        var table = TextTable([
            ("NAME", .left), ("STATE", .left), ("PLANNED", .right), ("HELD", .right),
            ("RESIDENT", .right), ("CONTEXT", .right), ("RUNNING", .right), ("WAITING", .right),
            ("KV", .right), ("UNTIL", .left), ("LAST USED", .left),
        ])
        for model in models {
            let lastUsed = model.json["last_used"]?.intValue.map {
                Quantity.duration(seconds: now - $0) + " ago"
            }
            table.append([
                model.id, model.state, model.bytes("memory", "planned_byte_count"),
                model.bytes("memory", "held_byte_count"),
                model.bytes("memory", "resident_byte_count"), model.fact("context_length"),
                "\(model.number("running"))", "\(model.number("waiting"))",
                model.share("kv_blocks_in_use", of: ["kv_block_count"]),
                model.departure(now: now), lastUsed ?? "-",
            ])
        }
        return table.text
    }
}
