import Daemon
import JSON

/// What `torii doctor` finds when it asks the daemon.
enum DaemonCheckup {
    /// Asks the daemon and says what it answered.
    static func findings(_ client: DaemonClient) -> [Finding] {
        do {
            return findings(
                version: try client.get("/version")["version"]?.stringValue ?? "-",
                status: try client.get("/admin/v1/status")
            )
        } catch {
            return [Finding(subject: "daemon", verdict: .warning, text: "\(error)")]
        }
    }

    /// What is to be said about a daemon of that version, by what it says about itself.
    static func findings(version: String, status: JSONValue) -> [Finding] {
        var findings: [Finding] = []
        if version != ProductVersion.current {
            findings.append(
                .warning(
                    "daemon",
                    "runs version \(version), this is \(ProductVersion.current)",
                    "restart it"
                )
            )
        } else if status["ready"]?.boolValue == false {
            findings.append(.warning("daemon", "is stopping", "wait, then start it again"))
        } else {
            let seconds = status["uptime_seconds"]?.intValue ?? 0
            findings.append(.fine("daemon", "runs for \(Quantity.duration(seconds: seconds))"))
        }
        let models = (status["models"]?.arrayValue ?? []).map { ModelObject(json: $0) }
        let unservable = models.filter(\.isUnservable)
        let isSummed = unservable.count > maximumUnservableCount
        if isSummed { findings.append(summary(of: unservable)) }
        for model in models {
            if let problem = model.problem, !(isSummed && model.isUnservable) {
                let option = model.logTail.isEmpty ? "" : " --log"
                findings.append(
                    .warning(model.id, problem, "`torii show \(model.id)\(option)` says more")
                )
            }
            if let trouble = model.json["trouble"]?.stringValue {
                findings.append(
                    .warning(model.id, "its process \(trouble)", "it is ended if that goes on")
                )
            }
        }
        return findings
    }

    /// Files that cannot be served, up to which each is told of by itself.
    private static let maximumUnservableCount = 3

    private static func summary(of unservable: [ModelObject]) -> Finding {
        let names = unservable.prefix(maximumUnservableCount).map(\.id).joined(separator: ", ")
        let count = unservable.count - maximumUnservableCount
        return .warning(
            "models",
            "\(unservable.count) files cannot be served: \(names) and \(count) more",
            "`torii list` says why"
        )
    }
}
