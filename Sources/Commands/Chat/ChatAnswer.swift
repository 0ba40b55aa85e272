import JSON

/// One streamed answer, put together from the chunks of OpenAI's chat completions; pure.
struct ChatAnswer {
    /// Everything said so far.
    private(set) var text = ""
    private(set) var finishReason: String?
    private(set) var promptTokenCount: Int?
    private(set) var outputTokenCount: Int?
    /// Whether `[DONE]` has arrived.
    private(set) var isDone = false

    /// Takes the data of one event and returns the text it adds.
    mutating func receive(_ data: String) throws -> String {
        guard data != "[DONE]" else {
            isDone = true
            return ""
        }
        let chunk: JSONValue
        do {
            chunk = try JSONValue.parse(data)
        } catch {
            throw CommandFailure("the daemon sent an event that is no JSON: \(error)")
        }
        if let message = chunk["error"]?["message"]?.stringValue { throw CommandFailure(message) }
        if let usage = chunk["usage"], !usage.isNull {
            promptTokenCount = usage["prompt_tokens"]?.intValue
            outputTokenCount = usage["completion_tokens"]?.intValue
        }
        let choice = chunk["choices"]?[0]
        if let reason = choice?["finish_reason"]?.stringValue { finishReason = reason }
        let added = choice?["delta"]?["content"]?.stringValue ?? ""
        text += added
        return added
    }
}
