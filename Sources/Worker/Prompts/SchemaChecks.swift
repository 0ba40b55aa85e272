import Grammars
import JSON
import Synchronization

/// Which schemas a grammar can follow, as far as that has been found out.
///
/// Agents send the same tools with every request. Safe from any thread.
final class SchemaChecks: Sendable {
    /// By the schema's text: the order of its members matters.
    private let known = Mutex<[String: Bool]>([:])

    private static let capacity = 512

    /// Whether a grammar can follow a schema.
    func canFollow(_ schema: JSONValue) -> Bool {
        let key = schema.serialized()
        if let answer = known.withLock({ $0[key] }) { return answer }
        let answer = (try? Grammar(.jsonSchema(schema, path: ""))) != nil
        known.withLock { known in
            if known.count >= Self.capacity { known = [:] }
            known[key] = answer
        }
        return answer
    }
}
