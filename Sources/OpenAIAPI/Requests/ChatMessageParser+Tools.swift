import JSON

extension ChatMessageParser {
    /// The tools as the template shall see them; nil when there are none or `tool_choice` is
    /// `none`, which is honoured by not telling the model of them.
    func tools(_ body: ParameterReader) throws(APIError) -> JSONValue? {
        guard let tools = try body.array("tools"), !tools.isEmpty else { return nil }
        guard tools.count <= limits.maximumToolCount else {
            throw .invalidRequest(
                "Invalid 'tools': at most \(limits.maximumToolCount) tools are allowed.",
                parameter: "tools",
                code: "array_above_max_length"
            )
        }
        for (index, tool) in tools.enumerated() {
            try check(tool, path: "\(body.path(of: "tools"))[\(index)]")
        }
        return body.value("tool_choice") == "none" ? nil : .array(tools)
    }

    private func check(_ tool: JSONValue, path: String) throws(APIError) {
        guard let object = tool.objectValue else {
            throw .invalidType(path, expected: "an object", value: tool)
        }
        let reader = ParameterReader(object, path: path)
        let type = try reader.required("type", try reader.string("type"))
        guard type == "function" else {
            throw .unsupportedValue(
                reader.path(of: "type"),
                reason: "only tools of type 'function' are supported"
            )
        }
        let function = try reader.required("function", try reader.object("function"))
        let name = try function.required("name", try function.string("name"))
        guard !name.isEmpty, name.utf8.count <= 256 else {
            throw .invalidRequest(
                "Invalid '\(function.path(of: "name"))': expected 1 to 256 bytes.",
                parameter: function.path(of: "name")
            )
        }
        _ = try function.string("description")
        _ = try function.object("parameters")
        _ = try function.bool("strict")
    }

    /// Further variables for the template: scalars only, and none that the server sets itself.
    func templateArguments(_ body: ParameterReader) throws(APIError) -> JSONObject {
        guard let reader = try body.object("chat_template_kwargs") else { return [:] }
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
        }
        return reader.object
    }

    private static let reservedArguments: Set<String> = [
        "messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "chat_template",
    ]
}
