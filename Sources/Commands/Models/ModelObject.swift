import JSON

/// One model as the daemon's admin API describes it; members that are missing show as `-`.
struct ModelObject {
    let json: JSONValue

    var id: String { json["id"]?.stringValue ?? "-" }
    var state: String {
        let state = json["state"]?.stringValue ?? "-"
        guard state == "loading", let fraction = json["progress"]?.doubleValue else { return state }
        return "loading \(Int(fraction * 100)) %"
    }
    var fileSize: String { json["byte_count"]?.intValue.map { Quantity.bytes($0) } ?? "-" }
    var facts: JSONValue? {
        guard let facts = json["facts"], !facts.isNull else { return nil }
        return facts
    }

    /// The text of a fact, or `-`.
    func fact(_ key: String) -> String {
        switch facts?[key] {
        case .string(let text): text.isEmpty ? "-" : text
        case .integer(let number): "\(number)"
        default: "-"
        }
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

    /// Every model that the daemon knows.
    static func all(from client: DaemonClient) throws -> (json: JSONValue, models: [ModelObject]) {
        let answer = try client.get("/admin/v1/models")
        return (answer, (answer["models"]?.arrayValue ?? []).map { ModelObject(json: $0) })
    }
}
