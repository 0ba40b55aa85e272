import JSON

// What a request says about the template and about reasoning.
extension ChatMessageParser {
    /// Further variables for the template: scalars only, and none that the server sets itself.
    func templateArguments(_ body: ParameterReader) throws(APIError) -> JSONObject {
        var arguments = try effortArguments(body)
        guard let reader = try body.object("chat_template_kwargs") else { return arguments }
        guard reader.object.count <= limits.maximumTemplateArgumentCount else {
            throw .invalidRequest(
                "Invalid 'chat_template_kwargs': at most "
                    + "\(limits.maximumTemplateArgumentCount) entries are allowed.",
                parameter: "chat_template_kwargs"
            )
        }
        for (name, value) in reader.object.members {
            let path = "chat_template_kwargs.\(name.prefix(64))"
            if Self.reservedArguments.contains(name) {
                throw .unsupportedValue(path, reason: "the server sets this variable itself")
            }
            if value.arrayValue != nil || value.objectValue != nil {
                throw .invalidType(path, expected: "a string, number or boolean", value: value)
            }
            arguments[name] = value
        }
        return arguments
    }

    /// What `reasoning_effort` means to templates: those that can be told to think or not read
    /// `enable_thinking` or `thinking`, those that know degrees read `reasoning_effort`.
    private func effortArguments(_ body: ParameterReader) throws(APIError) -> JSONObject {
        guard let effort = try body.string("reasoning_effort") else { return [:] }
        let degrees = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
        guard degrees.contains(effort) else {
            throw .invalidRequest(
                "Invalid value: '\(effort.prefix(64))'. Supported values are: "
                    + degrees.map { "'\($0)'" }.joined(separator: ", ") + ".",
                parameter: "reasoning_effort"
            )
        }
        // Models were trained on these degrees only.
        let known = ["minimal": "low", "xhigh": "high"][effort] ?? effort
        let thinks = JSONValue.bool(effort != "none")
        return [
            "reasoning_effort": .string(known), "enable_thinking": thinks, "thinking": thinks,
        ]
    }

    /// How many tokens of reasoning there may be; -1 means any number, as in llama-server.
    func reasoningBudget(_ body: ParameterReader) throws(APIError) -> Int? {
        let names = [
            "reasoning_budget", "thinking_budget", "thinking_budget_tokens",
            "thinking_token_budget",
        ]
        for name in names {
            if let budget = try body.integer(name, in: -1...Int(Int32.max)) {
                return budget < 0 ? nil : budget
            }
        }
        return body.value("reasoning_effort") == "none" ? 0 : nil
    }

    private static let reservedArguments: Set<String> = [
        "messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "chat_template",
    ]
}
