package import JSON

/// One model as `GET /v1/models` shows it (OpenAI's `Model`, with the members that vLLM and
/// llama-server add).
package struct ModelListing: Sendable, Hashable {
    /// What clients put into `model`.
    package var id: String
    /// Seconds since 1970; stable for an unchanged file.
    package var created: Int
    /// Whether it is `loaded`, `loading`, `unloaded` or `failed`.
    package var status: String
    /// Prompt and output tokens that are served; nil while unknown.
    package var contextLength: Int?
    /// What can be asked of the model, in Ollama's words; empty while unknown.
    package var capabilities: [String]
    /// Further facts about a loaded model, in llama-server's `meta`.
    package var meta: JSONObject
    /// Of a model with an adapter, the adapter's file or folder; nil for every other.
    package var root: String?
    /// Of a model with an adapter, the model without.
    package var parent: String?

    /// Makes a listing.
    package init(
        id: String,
        created: Int,
        status: String,
        contextLength: Int? = nil,
        capabilities: [String] = [],
        meta: JSONObject = [:],
        root: String? = nil,
        parent: String? = nil
    ) {
        self.id = id
        self.created = created
        self.status = status
        self.contextLength = contextLength
        self.capabilities = capabilities
        self.meta = meta
        self.root = root
        self.parent = parent
    }

    /// The object alone, as `GET /v1/models/{id}` answers.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id),
            "object": "model",
            "created": .integer(created),
            "owned_by": "torii",
            "status": ["value": .string(status)],
        ]
        if let contextLength {
            object["max_model_len"] = .integer(contextLength)
            object["context_length"] = .integer(contextLength)
        }
        if !capabilities.isEmpty {
            object["capabilities"] = .array(capabilities.map { .string($0) })
        }
        if let root { object["root"] = .string(root) }
        if let parent { object["parent"] = .string(parent) }
        if !meta.isEmpty { object["meta"] = .object(meta) }
        return .object(object)
    }

    /// The list of all models.
    package static func list(_ models: [ModelListing]) -> JSONValue {
        ["object": "list", "data": .array(models.map(\.json))]
    }
}
