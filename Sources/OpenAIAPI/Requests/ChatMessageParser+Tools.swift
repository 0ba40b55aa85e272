import JSON
import WorkerProtocol

/// The tools that an answer may call, and whether it must.
struct ToolOffer {
    /// As the template shall see them.
    var tools: [JSONValue] = []
    var choice = ToolChoice.automatic
    var allowsSeveralCalls = true
}

extension ChatMessageParser {
    /// The tools and what may be done with them.
    ///
    /// `none`, and tools that are not among the allowed ones, are honoured by not telling the model of
    /// them.
    func toolOffer(_ body: ParameterReader) throws(APIError) -> ToolOffer {
        let (tools, choiceName) = try offeredTools(body)
        let otherName = choiceName == "tool_choice" ? "function_call" : "tool_choice"
        if let other = body.value(otherName), other != "none", other != "auto" {
            throw .invalidRequest(
                "'\(otherName)' needs '\(otherName == "tool_choice" ? "tools" : "functions")'.",
                parameter: otherName
            )
        }
        var offer = ToolOffer(tools: tools)
        // The older form has room for one call.
        offer.allowsSeveralCalls =
            try body.bool("parallel_tool_calls") ?? true && !Self.usesFunctions(body)
        guard let choice = body.value(choiceName) else { return offer }
        switch choice {
        case "auto": break
        case "none": offer.tools = []
        case "required" where choiceName == "tool_choice": offer.choice = .required
        case .object(let object):
            try apply(ParameterReader(object, path: body.path(of: choiceName)), to: &offer)
        case .string(let text):
            throw .invalidRequest(
                "Invalid value: '\(text.prefix(64))'. Supported values are: 'none', 'auto' and "
                    + "'required'.",
                parameter: choiceName
            )
        default: throw .invalidType(choiceName, expected: "a string or an object", value: choice)
        }
        if offer.choice != .automatic, offer.tools.isEmpty {
            throw .invalidRequest(
                "'\(choiceName)' asks for a call, but there are no tools to call.",
                parameter: choiceName
            )
        }
        if case .named = offer.choice { offer.allowsSeveralCalls = false }
        return offer
    }

    /// The tools, in the form of today, and the member that chooses between them.
    private func offeredTools(
        _ body: ParameterReader
    ) throws(APIError) -> (tools: [JSONValue], choiceName: String) {
        let isOlder = Self.usesFunctions(body)
        let name = isOlder ? "functions" : "tools"
        let tools = try body.array(name) ?? []
        guard tools.count <= limits.maximumToolCount else {
            throw .invalidRequest(
                "Invalid '\(name)': at most \(limits.maximumToolCount) are allowed.",
                parameter: name,
                code: "array_above_max_length"
            )
        }
        var names: Set<String> = []
        for (index, tool) in tools.enumerated() {
            let path = "\(body.path(of: name))[\(index)]"
            try isOlder ? check(older: tool, path: path) : check(tool, path: path)
            let function = isOlder ? tool : tool["function"]
            guard names.insert(function?["name"]?.stringValue ?? "").inserted else {
                throw .invalidRequest(
                    "Invalid '\(path)': two tools have the same name.",
                    parameter: path
                )
            }
        }
        if !isOlder { return (tools, "tool_choice") }
        let wrapped = tools.map { JSONValue.object(["type": "function", "function": $0]) }
        return (wrapped, "function_call")
    }

    /// Whether a request uses OpenAI's deprecated functions, so that its answer must.
    static func usesFunctions(_ body: ParameterReader) -> Bool {
        body.value("tools") == nil && body.value("functions") != nil
    }

    /// A choice that names tools.
    private func apply(_ choice: ParameterReader, to offer: inout ToolOffer) throws(APIError) {
        let isOlder = choice.path == "function_call"
        switch isOlder ? "function" : try choice.required("type", try choice.string("type")) {
        case "function":
            // OpenAI's other API leaves the inner object out, and clients mix them up.
            let function = try choice.object("function") ?? choice
            let name = try function.required("name", try function.string("name"))
            try require(name, in: offer.tools, parameter: choice.path)
            offer.choice = .named(name)
        case "allowed_tools":
            let allowed = try choice.object("allowed_tools") ?? choice
            let mode = try allowed.string("mode") ?? "auto"
            guard ["auto", "required"].contains(mode) else {
                throw .invalidRequest(
                    "Invalid value: '\(mode.prefix(64))'. Supported values are: 'auto' and "
                        + "'required'.",
                    parameter: allowed.path(of: "mode")
                )
            }
            var names: Set<String> = []
            let tools = try allowed.required("tools", try allowed.array("tools"))
            for (index, tool) in tools.enumerated() {
                let path = "\(allowed.path(of: "tools"))[\(index)]"
                guard let object = tool.objectValue else {
                    throw .invalidType(path, expected: "an object", value: tool)
                }
                let reader = ParameterReader(object, path: path)
                let function = try reader.object("function") ?? reader
                let name = try function.required("name", try function.string("name"))
                try require(name, in: offer.tools, parameter: path)
                names.insert(name)
            }
            offer.tools.removeAll { tool in
                !names.contains(tool["function"]?["name"]?.stringValue ?? "")
            }
            if mode == "required" { offer.choice = .required }
        case let type:
            throw .unsupportedValue(
                choice.path(of: "type"),
                reason: "'\(type.prefix(64))' is not supported; 'function' and 'allowed_tools' are"
            )
        }
    }

    private func require(
        _ name: String,
        in tools: [JSONValue],
        parameter: String
    ) throws(APIError) {
        guard tools.contains(where: { $0["function"]?["name"]?.stringValue == name }) else {
            throw .invalidRequest(
                "The function '\(name.prefix(64))' is not among the tools of the request.",
                parameter: parameter
            )
        }
    }

    private func check(older function: JSONValue, path: String) throws(APIError) {
        guard let object = function.objectValue else {
            throw .invalidType(path, expected: "an object", value: function)
        }
        try check(function: ParameterReader(object, path: path))
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
        try check(function: try reader.required("function", try reader.object("function")))
    }

    private func check(function: ParameterReader) throws(APIError) {
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
}
