import JSON

/// `torii status`: whether the daemon runs and how it is.
enum StatusCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "status",
            summary: "Show how the daemon is",
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
            let models = (json["models"]?.arrayValue ?? []).map { ModelObject(json: $0) }
            let resident = models.count { $0.json["state"]?.stringValue == "resident" }
            let running = models.reduce(0) { $0 + ($1.json["running"]?.intValue ?? 0) }
            let cancelled = json["requests"]?["cancelled_total"]?.intValue ?? 0
            let rejected = json["requests"]?["rejected_total"]?.intValue ?? 0
            let uptime = json["uptime_seconds"]?.intValue.map { Quantity.duration(seconds: $0) }
            terminal.write(
                CommandSpecification.columns([
                    ("version", json["version"]?.stringValue ?? "-"),
                    ("running for", uptime ?? "-"),
                    ("models", "\(models.count), of which \(resident) in memory"),
                    (
                        "requests",
                        "\(running) running, \(cancelled) cancelled, \(rejected) refused so far"
                    ),
                ])
            )
            return 0
        }
    )
}
