package import JSON

/// A checked request to load a model, to unload it, or to plan a load.
package struct ModelLoadRequest: Sendable, Hashable {
    /// The model's name, where the path does not say it.
    package var model: String?
    /// Tokens of a sequence; nil as configured.
    package var contextLength: Int?
    /// How long the model may be idle, as the client wrote it: seconds or a duration.
    package var keepAlive: String?
    /// Whether the answer comes once it is done.
    package var waits: Bool
    /// Whether nothing is done but planned.
    package var isDryRun: Bool
    /// Whether other models may go for it.
    package var mayEvict: Bool
    /// Members that nobody knows.
    package var ignoredParameters: [String]

    /// Reads and checks a request body, which may be empty; throws 400 with the `param` that is
    /// wrong.
    package static func parse(_ body: JSONValue?) throws(APIError) -> ModelLoadRequest {
        let reader = try ParameterReader(body: body ?? [:])
        return ModelLoadRequest(
            model: try reader.string("model"),
            contextLength: try reader.integer("context", in: 16...16_777_216),
            keepAlive: try reader.keepAlive(),
            waits: try reader.bool("wait") ?? false,
            isDryRun: try reader.bool("dry_run") ?? false,
            mayEvict: try reader.bool("allow_evict") ?? true,
            ignoredParameters: try fields.check(reader.object)
        )
    }

    private static let fields = RequestFieldTable(
        RequestField.honoured("model", "context", "keep_alive", "wait", "dry_run", "allow_evict")
    )
}

extension ParameterReader {
    /// Ollama's `keep_alive`: a number of seconds, or a string.
    func keepAlive() throws(APIError) -> String? {
        guard let value = value("keep_alive") else { return nil }
        if let text = value.stringValue { return text }
        guard let seconds = value.doubleValue else {
            throw .invalidType(
                path(of: "keep_alive"),
                expected: "seconds, or a duration like \"5m\"",
                value: value
            )
        }
        return "\(seconds)"
    }
}
