import JSON
import ModelService
import WorkerProtocol

// A model's defaults, put into the requests that say nothing.
extension RequestDefaults {
    /// The request body, with these values where it has none.
    func completing(_ body: JSONValue) -> JSONValue {
        guard var object = body.objectValue else { return body }
        func set(_ value: JSONValue?, _ names: String...) {
            guard let value, names.allSatisfy({ object[$0]?.isNull ?? true }) else { return }
            object.set(names[0], to: value)
        }
        set(temperature.map { .double($0) }, "temperature")
        set(topP.map { .double($0) }, "top_p")
        set(topK.map { .integer($0) }, "top_k")
        set(minP.map { .double($0) }, "min_p")
        set(repeatPenalty.map { .double($0) }, "repeat_penalty", "repetition_penalty")
        set(maximumOutputTokens.map { .integer($0) }, "max_tokens", "max_completion_tokens")
        return .object(object)
    }

    /// The conversation, with the system message in front if it has none.
    func completing(_ prompt: ChatPrompt) -> ChatPrompt {
        guard let system, let messages = prompt.messages.arrayValue else { return prompt }
        let hasOne = messages.contains { message in
            ["system", "developer"].contains(message["role"]?.stringValue ?? "")
        }
        guard !hasOne else { return prompt }
        var completed = prompt
        completed.messages = .array(
            [["role": "system", "content": .string(system)]] + messages
        )
        return completed
    }
}
