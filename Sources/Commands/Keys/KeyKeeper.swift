import APIKeys
import JSON
import Telemetry

/// Who keeps the keys that `torii keys` changes: answers are those of the admin API.
protocol KeyKeeper {
    /// What follows a key's name where it is not the daemon that keeps it.
    var place: String { get }
    func add(_ members: JSONObject) throws -> JSONValue
    func list() throws -> JSONValue
    func revoke(_ nameOrID: String) throws -> JSONValue
}

/// A daemon that answers.
struct DaemonKeyKeeper: KeyKeeper {
    let client: DaemonClient

    var place: String { "" }

    func add(_ members: JSONObject) throws -> JSONValue {
        try client.post("/admin/v1/keys", .object(members))
    }

    func list() throws -> JSONValue { try client.get("/admin/v1/keys") }

    func revoke(_ nameOrID: String) throws -> JSONValue {
        try client.delete("/admin/v1/keys/\(URLPath.escape(nameOrID))")
    }
}

/// The file, while no daemon answers.
struct KeyFileKeeper: KeyKeeper {
    let store: KeyStore

    var place: String { " in \(store.path), for no daemon answers" }

    func add(_ members: JSONObject) throws -> JSONValue {
        let now = Timestamp.now().seconds
        let (key, secret) = try store.add(try KeyTerms(members, now: now), now: now)
        var answer = Self.json(key)
        answer["key"] = .string(secret.text)
        return .object(answer)
    }

    func list() throws -> JSONValue {
        let table = KeyTable(plain: [], stored: try store.load())
        return [
            "keys": .array(table.keys.map { .object(Self.json($0)) }),
            "required": .bool(table.asksForKeys),
        ]
    }

    func revoke(_ nameOrID: String) throws -> JSONValue {
        let key = try store.revoke(nameOrID)
        return ["id": .string(key.id ?? ""), "name": .string(key.name), "revoked": true]
    }

    private static func json(_ key: APIKey) -> JSONObject {
        var object = key.terms.json
        object["id"] = key.id.map { .string($0) } ?? .null
        object["created"] = key.created.map { .integer($0) } ?? .null
        return object
    }
}
