import JSON

/// One model as the daemon's admin API describes it; members that are missing show as `-`.
struct ModelObject {
    let json: JSONValue

    var id: String { json["id"]?.stringValue ?? "-" }
    var state: String {
        if isUnservable { return "unservable" }
        let state = json["state"]?.stringValue ?? "-"
        guard state == "loading", let fraction = json["progress"]?.doubleValue else { return state }
        return "loading \(Int(fraction * 100)) %"
    }
    /// Whether a look at its file was enough to see that it cannot be served.
    var isUnservable: Bool { json["state"] == "unloaded" && problem != nil }
    /// Whether this is another name of a model.
    var isVariant: Bool { json["variant_of"]?.stringValue != nil }
    var fileSize: String { json["byte_count"]?.intValue.map { Quantity.bytes($0) } ?? "-" }
    var facts: JSONValue? {
        guard let facts = json["facts"], !facts.isNull else { return nil }
        return facts
    }

    /// What is wrong with it, without what may be long: `torii show` has the whole.
    var problem: String? {
        guard let message = json["message"]?.stringValue else { return nil }
        let ends = ["; ", ". "].compactMap { message.firstRange(of: $0)?.lowerBound }
        return String(message[..<(ends.min() ?? message.endIndex)])
    }

    /// Of a model with an adapter, the adapter.
    var adapter: JSONValue? {
        guard let adapter = json["adapter"], !adapter.isNull else { return nil }
        return adapter
    }

    /// What its last process that failed had logged.
    var logTail: [String] { (json["log_tail"]?.arrayValue ?? []).compactMap(\.stringValue) }

    /// The text of a fact, or `-`.
    func fact(_ key: String) -> String {
        switch facts?[key] {
        case .string(let text): text.isEmpty ? "-" : text
        case .integer(let number): "\(number)"
        default: "-"
        }
    }

    /// What the chat template knows of, in words.
    var templateCapabilities: String {
        guard facts?["chat_template"]?.stringValue != nil else { return "none" }
        let names = facts?["template_capabilities"]?.arrayValue?.compactMap(\.stringValue) ?? []
        return names.isEmpty ? "plain chat" : names.joined(separator: ", ")
    }

    /// What can be asked of the model, in words.
    var tasks: String {
        let names = (facts?["tasks"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard !names.isEmpty else { return "-" }
        let pooling = facts?["pooling"]?.stringValue.map { " (\($0) pooling)" } ?? ""
        return names.joined(separator: ", ") + pooling
    }

    /// The bytes of a fact, or `-`.
    func factBytes(_ key: String) -> String {
        facts?[key]?.intValue.map { Quantity.bytes($0) } ?? "-"
    }

    /// What part of the sum of `wholes` the worker's counter `part` is, in percent, or `-`.
    func share(_ part: String, of wholes: [String]) -> String {
        let worker = json["worker"]
        let whole = wholes.reduce(0) { $0 + (worker?[$1]?.intValue ?? 0) }
        guard let part = worker?[part]?.intValue, whole > 0 else { return "-" }
        return "\(Int((Double(part) / Double(whole) * 100).rounded())) %"
    }

    /// The bytes at `path`, or `-`.
    func bytes(_ path: String...) -> String {
        var value: JSONValue? = json
        for key in path { value = value?[key] }
        return value?.intValue.map { Quantity.bytes($0) } ?? "-"
    }

    /// The whole number at `path`, or 0.
    func number(_ path: String...) -> Int {
        var value: JSONValue? = json
        for key in path { value = value?[key] }
        return value?.intValue ?? 0
    }

    /// When the model leaves memory, or may be tried again, at the time `now` in seconds since 1970.
    func departure(now: Int) -> String {
        switch json["state"]?.stringValue {
        case "failed":
            return "retry in \(Quantity.duration(seconds: number("retry_after_seconds")))"
        case "resident", "loading", "waiting":
            if json["pinned"]?.boolValue == true { return "pinned" }
            if let expires = json["expires"]?.intValue {
                return "in \(Quantity.duration(seconds: expires - now))"
            }
            let isUsed = number("leases") > 0 || json["state"]?.stringValue != "resident"
            return isUsed ? "in use" : "for ever"
        case "draining": return "leaving"
        default: return "-"
        }
    }

    /// What happened to the model since the daemon started, in words.
    var history: String {
        let parts = [
            ("loads", "loaded"), ("failed_loads", "failed"), ("evictions", "evicted"),
            ("crashes", "crashed"),
        ].compactMap { key, word in
            let count = number("counts", key)
            return count == 0 ? nil : "\(word) \(count)×"
        }
        guard let seconds = json["load_seconds"]?.doubleValue else {
            return parts.joined(separator: ", ")
        }
        let last = "last load took \(Quantity.decimal(seconds, 1)) s"
        return (parts + [last]).joined(separator: ", ")
    }

    /// The path of a model in the admin API.
    static func path(_ name: String) -> String { "/admin/v1/models/" + URLPath.escape(name) }

    /// Every model that the daemon knows.
    static func all(from client: DaemonClient) throws -> (json: JSONValue, models: [ModelObject]) {
        let answer = try client.get("/admin/v1/models")
        return (answer, (answer["models"]?.arrayValue ?? []).map { ModelObject(json: $0) })
    }
}
