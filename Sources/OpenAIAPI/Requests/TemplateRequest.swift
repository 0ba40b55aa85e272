package import JSON
package import WorkerProtocol

/// A checked `POST /apply-template` request: what a chat would make the model read.
package struct TemplateRequest: Sendable, Hashable {
    /// The model's name; nil means the only one there is.
    package var model: String?
    /// The conversation, checked as for a chat.
    package var conversation: ChatPrompt

    /// Reads and checks a request body; throws 400 with the `param` that is wrong.
    package static func parse(
        _ body: JSONValue,
        limits: RequestLimits = RequestLimits()
    ) throws(APIError) -> TemplateRequest {
        let reader = try ParameterReader(body: body)
        return TemplateRequest(
            model: try reader.string("model"),
            conversation: try ChatMessageParser(limits: limits).conversation(reader)
        )
    }
}
