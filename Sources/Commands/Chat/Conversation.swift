import JSON

/// The messages of a chat in the terminal, and what is sent with them.
struct Conversation {
    let model: String
    /// Instructions for the model; empty for none.
    var system = ""
    var parameters = ChatParameters()
    private(set) var turns: [(role: String, text: String)] = []

    init(model: String) {
        self.model = model
    }

    /// Adds what the person said.
    mutating func ask(_ text: String) {
        turns.append(("user", text))
    }

    /// Adds what the model said; an empty answer takes the question back.
    mutating func answer(_ text: String) {
        if text.isEmpty {
            turns.removeLast()
        } else {
            turns.append(("assistant", text))
        }
    }

    /// Forgets everything said; instructions and parameters stay.
    mutating func clear() {
        turns = []
    }

    /// The body of a streaming chat completion.
    var requestBody: JSONValue {
        var messages: [JSONValue] = []
        if !system.isEmpty { messages.append(["role": "system", "content": .string(system)]) }
        for turn in turns {
            messages.append(["role": .string(turn.role), "content": .string(turn.text)])
        }
        var body: JSONObject = [
            "model": .string(model), "messages": .array(messages), "stream": true,
            "stream_options": ["include_usage": true],
        ]
        for (name, value) in parameters.members.members { body[name] = value }
        return .object(body)
    }
}
