import JSON

/// `torii plan MODEL`: what a load would take, and who would go for it; nothing is loaded.
enum PlanCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "plan",
            summary: "Show what loading a model would take",
            discussion: """
                By the same rules as a real load, and without loading anything. Exits with 0 when the
                model could be loaded, now or once others have gone, and with 1 when a load would be
                refused.
                """,
            options: [
                LoadCommand.contextOption,
                .flag("--no-evict", help: "unload no other model for it"),
                DaemonClient.hostOption, DaemonClient.jsonOption,
            ],
            positionals: [LoadCommand.modelArgument]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            var body: JSONObject = [
                "model": .string(arguments.positional(0) ?? ""),
                "allow_evict": .bool(!arguments.flag("--no-evict")),
            ]
            if let context = try LoadCommand.contextLength(arguments) {
                body["context"] = .integer(context)
            }
            let plan = try client.post("/admin/v1/plan", .object(body))
            if arguments.flag("--json") {
                environment.terminal.writeLine(plan.serialized())
            } else {
                environment.terminal.write(text(plan))
            }
            let refusals = ["never_fits", "eviction_not_allowed"]
            return refusals.contains(plan["outcome"]?.stringValue ?? "") ? 1 : 0
        }
    )

    /// The plan as a table: the parts and their sum, what there is, and what that means.
    static func text(_ plan: JSONValue) -> String {
        func bytes(_ key: String) -> String {
            plan[key]?.intValue.map { Quantity.bytes($0) } ?? "-"
        }
        let context = plan["context"]?.intValue ?? 0
        let budget = plan["limit"]?.stringValue == "budget"
        var table = TextTable([
            (plan["model"]?.stringValue ?? "-", .left), ("BYTES", .right), ("", .left),
        ])
        table.append(["weights", bytes("weight_bytes")])
        table.append([
            "keys and values", bytes("kv_bytes"),
            "of one request of \(context) tokens; up to \(bytes("maximum_kv_bytes")) where granted",
        ])
        table.append(["scratch", bytes("scratch_bytes"), "activations and logits"])
        if let adapters = plan["adapter_bytes"]?.intValue, adapters > 0 {
            table.append(["adapters", Quantity.bytes(adapters)])
        }
        table.append([
            "overhead", bytes("overhead_bytes"), "the process, its tokenizer and template",
        ])
        table.append(["sum", bytes("needed_bytes")])
        table.append([
            "available", bytes("available_bytes"),
            budget ? "of the memory budget" : "that the machine has left",
        ])
        if let leaving = plan["leaving_bytes"]?.intValue, leaving > 0 {
            table.append([
                "leaving", Quantity.bytes(leaving), "that models give back which are about to go",
            ])
        }
        let model = plan["model"]?.stringValue ?? "-"
        let before =
            plan["unload_first"]?.boolValue == true
            ? "It is in memory with other options: `torii unload \(model)` first.\n" : ""
        return table.text + "\n" + before + verdict(plan) + "\n"
    }

    /// One sentence, and one line for each model that would go.
    static func verdict(_ plan: JSONValue) -> String {
        let model = plan["model"]?.stringValue ?? "-"
        let victims = (plan["evict"]?.arrayValue ?? []).map { victim($0) }
        let list = victims.map { "\n  " + $0 }.joined()
        switch plan["outcome"]?.stringValue {
        case "resident": return "\(model) is in memory, or on its way there."
        case "fits": return "It fits."
        case "evict": return "It fits once these idle models have gone:" + list
        case "wait" where victims.isEmpty: return "It fits once those that are leaving have gone."
        case "wait": return "It waits until these models, some of them busy, have gone:" + list
        case "eviction_not_allowed":
            return "It does not fit unless these models may go (leave out --no-evict):" + list
        default:
            let missing = plan["missing_bytes"]?.intValue.map { Quantity.bytes($0) } ?? "-"
            return "It does not fit: \(missing) are missing even without every model that is not "
                + "pinned. Unpin one, use a smaller --context, or raise models.memory."
        }
    }

    private static func victim(_ victim: JSONValue) -> String {
        let model = victim["model"]?.stringValue ?? "-"
        let bytes = victim["bytes"]?.intValue.map { Quantity.bytes($0) } ?? "-"
        let idle = Int(victim["idle_seconds"]?.doubleValue ?? 0)
        let reload = Quantity.decimal(victim["reload_seconds"]?.doubleValue ?? 0, 1)
        let use = idle > 0 ? "idle for \(Quantity.duration(seconds: idle))" : "used a moment ago"
        return "\(model): \(bytes), \(use), \(reload) s to load again"
    }
}
