import JSON

/// `torii status`: whether the daemon runs and how it is.
enum StatusCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "status",
            summary: "Show how the daemon is",
            discussion: """
                Its memory budget and who holds it, the requests, and what happened to the models since
                it was started; `torii ps` shows what each model in memory does now.
                """,
            options: [DaemonClient.hostOption, DaemonClient.jsonOption]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let json = try client.get("/admin/v1/status")
            let terminal = environment.terminal
            guard !arguments.flag("--json") else {
                terminal.writeLine(json.serialized())
                return 0
            }
            terminal.write(text(json))
            return 0
        }
    )

    /// The daemon in a few lines, and one for each model that was used or has failed.
    static func text(_ json: JSONValue) -> String {
        let models = (json["models"]?.arrayValue ?? []).map { ModelObject(json: $0) }
            .filter { !$0.isVariant }
        let present = models.count { $0.json["memory"]?.objectValue != nil }
        let uptime = json["uptime_seconds"]?.intValue.map { Quantity.duration(seconds: $0) }
        func total(_ key: String) -> Int { json["requests"]?[key]?.intValue ?? 0 }
        let running = models.reduce(0) { $0 + $1.number("running") }
        let waiting = models.reduce(0) { $0 + $1.number("waiting") }
        var text = CommandSpecification.columns([
            ("version", json["version"]?.stringValue ?? "-"),
            ("running for", uptime ?? "-"),
            ("state", json["ready"]?.boolValue == false ? "stopping" : "ready"),
            ("memory", memory(json["memory"])),
            ("room", room(json["memory"])),
            ("models", "\(models.count), of which \(present) in memory"),
            (
                "requests",
                "\(running) running, \(waiting) waiting; \(total("cancelled_total")) cancelled, "
                    + "\(total("rejected_total")) refused so far"
            ),
        ])
        let used = models.filter {
            $0.number("counts", "loads") + $0.number("counts", "failed_loads")
                + $0.number("counts", "crashes") > 0
        }
        guard !used.isEmpty else { return text }
        text += "\n"
        var table = TextTable([("NAME", .left), ("STATE", .left), ("SINCE THE START", .left)])
        for model in used { table.append([model.id, model.state, model.history]) }
        text += table.text
        for model in used {
            guard let message = model.json["message"]?.stringValue else { continue }
            text += "\n\(model.id): \(message)\n"
        }
        return text
    }

    private static func memory(_ memory: JSONValue?) -> String {
        func bytes(_ key: String) -> String {
            memory?[key]?.intValue.map { Quantity.bytes($0) } ?? "-"
        }
        let held =
            (memory?["reserved_byte_count"]?.intValue ?? 0)
            + (memory?["granted_byte_count"]?.intValue ?? 0)
        return "\(Quantity.bytes(held)) of \(bytes("capacity_byte_count")) held: "
            + "\(bytes("reserved_byte_count")) planned, \(bytes("granted_byte_count")) for "
            + "further keys and values"
    }

    private static func room(_ memory: JSONValue?) -> String {
        guard let count = memory?["room_byte_count"]?.intValue else { return "-" }
        let limit = memory?["limit"]?.stringValue == "budget" ? "budget" : "machine"
        return "\(Quantity.bytes(max(0, count))) for further models, bounded by the \(limit)"
    }
}
