import JSON
import WorkerProtocol

/// Turns the wire's messages into what chat templates expect, dropping what they do not know.
///
/// Template authors write against Hugging Face's conventions: `content` is a string, the
/// instructions have the role `system`, a tool call's `arguments` are an object. Clients send much
/// more (content parts for every role, null, the older function calls), and all of it arrives here
/// as one form. Nothing but the keys below reaches a template.
struct ChatMessageParser {
    let limits: RequestLimits

    /// Everything in the body that the template gets to see.
    func conversation(_ body: ParameterReader) throws(APIError) -> ChatPrompt {
        let messages = try messages(body)
        let offer = try toolOffer(body)
        let continues = try continuesFinalMessage(body, messages)
        return ChatPrompt(
            messages: .array(messages),
            tools: offer.tools.isEmpty ? nil : .array(offer.tools),
            addGenerationPrompt: try body.bool("add_generation_prompt") ?? !continues,
            continuesFinalMessage: continues,
            templateArguments: try templateArguments(body),
            toolChoice: offer.choice,
            allowsParallelToolCalls: offer.allowsSeveralCalls,
            reasoningBudget: try reasoningBudget(body)
        )
    }

    /// Whether the answer goes on with the last message, as vLLM's clients ask for it.
    private func continuesFinalMessage(
        _ body: ParameterReader,
        _ messages: [JSONValue]
    ) throws(APIError) -> Bool {
        guard try body.bool("continue_final_message") ?? false else { return false }
        if try body.bool("add_generation_prompt") ?? false {
            throw .invalidRequest(
                "'continue_final_message' and 'add_generation_prompt' exclude each other.",
                parameter: "continue_final_message"
            )
        }
        guard messages.last?["role"] == "assistant" else {
            throw .invalidRequest(
                "'continue_final_message' needs a last message whose role is 'assistant'.",
                parameter: "continue_final_message"
            )
        }
        return true
    }

    private func messages(_ body: ParameterReader) throws(APIError) -> [JSONValue] {
        let messages = try body.required("messages", try body.array("messages"))
        guard !messages.isEmpty else {
            throw .invalidRequest(
                "Invalid 'messages': empty array. Expected an array with minimum length 1.",
                parameter: "messages",
                code: "empty_array"
            )
        }
        guard messages.count <= limits.maximumMessageCount else {
            throw .invalidRequest(
                "Invalid 'messages': at most \(limits.maximumMessageCount) messages are allowed.",
                parameter: "messages",
                code: "array_above_max_length"
            )
        }
        var parsed: [JSONValue] = []
        for (index, message) in messages.enumerated() {
            let path = "messages[\(index)]"
            guard let object = message.objectValue else {
                throw .invalidType(path, expected: "an object", value: message)
            }
            parsed.append(.object(try self.message(ParameterReader(object, path: path))))
        }
        return parsed
    }

    private func message(_ reader: ParameterReader) throws(APIError) -> JSONObject {
        let role = try reader.required("role", try reader.string("role"))
        var message: JSONObject = [:]
        switch role {
        case "system", "developer":
            message = ["role": "system", "content": .string(try requiredContent(reader))]
        case "user":
            message = ["role": "user", "content": .string(try requiredContent(reader))]
        case "assistant":
            message = try assistantMessage(reader)
        case "tool", "function":
            // The older role names the function instead of the call.
            message = ["role": "tool", "content": .string(try requiredContent(reader))]
            if let id = try reader.string("tool_call_id") { message["tool_call_id"] = .string(id) }
        default:
            throw .invalidRequest(
                "Invalid value: '\(role.prefix(64))'. Supported values are: 'system', 'developer', "
                    + "'user', 'assistant', 'tool' and 'function'.",
                parameter: reader.path(of: "role")
            )
        }
        if let name = try reader.string("name") { message["name"] = .string(name) }
        return message
    }

    private func assistantMessage(_ reader: ParameterReader) throws(APIError) -> JSONObject {
        var text = try content(reader) ?? ""
        if text.isEmpty, let refusal = try reader.string("refusal") { text = refusal }
        var message: JSONObject = ["role": "assistant", "content": .string(text)]
        // Servers name the reasoning in three ways, and clients send back what they were given.
        for name in ["reasoning_content", "reasoning", "thinking"] {
            if let reasoning = reader.value(name)?.stringValue {
                message["reasoning_content"] = .string(reasoning)
                break
            }
        }
        var calls: [JSONValue] = []
        for (index, call) in (try reader.array("tool_calls") ?? []).enumerated() {
            let path = "\(reader.path(of: "tool_calls"))[\(index)]"
            guard let object = call.objectValue else {
                throw .invalidType(path, expected: "an object", value: call)
            }
            calls.append(.object(try toolCall(ParameterReader(object, path: path))))
        }
        if let older = try reader.object("function_call") {
            let function = try calledFunction(older)
            calls.append(["type": "function", "function": .object(function)])
        }
        if !calls.isEmpty { message["tool_calls"] = .array(calls) }
        return message
    }

    private func toolCall(_ reader: ParameterReader) throws(APIError) -> JSONObject {
        let type = try reader.string("type") ?? "function"
        guard type == "function" else {
            throw .unsupportedValue(
                reader.path(of: "type"),
                reason: "only calls of type 'function' are supported"
            )
        }
        var call: JSONObject = [:]
        if let id = try reader.string("id") { call["id"] = .string(id) }
        call["type"] = "function"
        let function = try reader.required("function", try reader.object("function"))
        call["function"] = .object(try calledFunction(function))
        return call
    }

    /// `arguments` is JSON in a string on the wire; templates print it with `tojson`, so it must be
    /// the object itself.
    ///
    /// A string that is no JSON object stays what it is.
    private func calledFunction(_ reader: ParameterReader) throws(APIError) -> JSONObject {
        let name = try reader.required("name", try reader.string("name"))
        var arguments: JSONValue = [:]
        switch reader.value("arguments") {
        case nil: break
        case .object(let object): arguments = .object(object)
        case .string(let text):
            let parsed = try? JSONValue.parse(text)
            if let object = parsed?.objectValue {
                arguments = .object(object)
            } else if !text.isEmpty {
                arguments = .string(text)
            }
        case .some(let other):
            throw .invalidType(reader.path(of: "arguments"), expected: "a string", value: other)
        }
        return ["name": .string(name), "arguments": arguments]
    }

    // MARK: Content

    /// The text of a `content` that must be there.
    func requiredContent(_ reader: ParameterReader) throws(APIError) -> String {
        try reader.required("content", try content(reader))
    }

    /// A string, or the texts of an array of parts joined without a separator; nil when null.
    private func content(_ reader: ParameterReader) throws(APIError) -> String? {
        let path = reader.path(of: "content")
        switch reader.value("content") {
        case nil: return nil
        case .string(let text): return text
        case .array(let parts):
            var text = ""
            for (index, part) in parts.enumerated() {
                text += try contentPart(part, path: "\(path)[\(index)]")
            }
            return text
        case .some(let other):
            throw .invalidType(path, expected: "a string or an array of parts", value: other)
        }
    }

    private func contentPart(_ part: JSONValue, path: String) throws(APIError) -> String {
        if let text = part.stringValue { return text }
        guard let object = part.objectValue else {
            throw .invalidType(path, expected: "an object", value: part)
        }
        let reader = ParameterReader(object, path: path)
        let type = try reader.required("type", try reader.string("type"))
        switch type {
        case "text", "input_text", "output_text":
            return try reader.required("text", try reader.string("text"))
        case "refusal":
            return try reader.required("refusal", try reader.string("refusal"))
        case "image_url", "input_image", "input_audio", "file", "input_file", "video_url":
            throw .unsupportedValue(path, reason: "this model reads text only, not '\(type)'")
        default:
            throw .invalidRequest(
                "Invalid value: '\(type.prefix(64))'. The supported content part is 'text'.",
                parameter: reader.path(of: "type")
            )
        }
    }
}
