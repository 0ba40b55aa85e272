import JSON

/// Tells models of tools whose chat template knows none.
///
/// The tools stand in the instructions, and calls and results in the text of messages, in the notation
/// that Nous Hermes made common and many models have seen: `ToolCallSyntax.hermes`.
enum ToolInstructions {
    /// The messages with everything about tools as text.
    ///
    /// - Parameters:
    ///   - messages: As clients send them.
    ///   - tools: The tools there are; with none of them there are no instructions.
    ///   - intoUserMessage: Whether instructions belong into the user's first message.
    /// - Returns: Messages without calls and without the role `tool`.
    static func rewritten(
        _ messages: [JSONValue],
        tools: [JSONValue],
        intoUserMessage: Bool
    ) -> [JSONValue] {
        var rewritten: [JSONValue] = []
        for message in messages {
            let content = message["content"]?.stringValue ?? ""
            if message["role"] == "tool" {
                let result = "<tool_response>\n\(content)\n</tool_response>"
                if let last = rewritten.last, last["role"] == "user",
                    let before = last["content"]?.stringValue, before.hasSuffix("</tool_response>")
                {
                    rewritten[rewritten.count - 1] = user(before + "\n" + result)
                } else {
                    rewritten.append(user(result))
                }
            } else if let calls = message["tool_calls"]?.arrayValue,
                var object = message.objectValue
            {
                let texts = (content.isEmpty ? [] : [content]) + calls.map(text)
                object["content"] = .string(texts.joined(separator: "\n"))
                rewritten.append(.object(object.removing("tool_calls")))
            } else {
                rewritten.append(message)
            }
        }
        if tools.isEmpty { return rewritten }
        let role: JSONValue = intoUserMessage ? "user" : "system"
        if let index = rewritten.firstIndex(where: { $0["role"] == role }),
            intoUserMessage || index == 0, var object = rewritten[index].objectValue
        {
            let content = object["content"]?.stringValue ?? ""
            let texts = intoUserMessage ? [text(tools), content] : [content, text(tools)]
            object["content"] = .string(texts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
            rewritten[index] = .object(object)
        } else {
            rewritten.insert(["role": role, "content": .string(text(tools))], at: 0)
        }
        return rewritten
    }

    private static func user(_ content: String) -> JSONValue {
        ["role": "user", "content": .string(content)]
    }

    /// A call as the model is to write it.
    private static func text(_ call: JSONValue) -> String {
        let object: JSONObject = [
            "name": call["function"]?["name"] ?? "",
            "arguments": call["function"]?["arguments"] ?? [:],
        ]
        return "<tool_call>\n\(JSONValue.object(object).serialized())\n</tool_call>"
    }

    private static func text(_ tools: [JSONValue]) -> String {
        """
        You can call functions. Each of them is described by a JSON object between <tools> and </tools>:
        <tools>
        \(tools.map { $0.serialized() }.joined(separator: "\n"))
        </tools>

        To call one, write its name and its arguments as a JSON object between <tool_call> and </tool_call>:
        <tool_call>
        {"name": "NAME", "arguments": {"KEY": "VALUE"}}
        </tool_call>
        The results come between <tool_response> and </tool_response>. Call a function only if it helps; \
        otherwise answer as always.
        """
    }
}

extension JSONObject {
    /// The object without a member.
    fileprivate func removing(_ name: String) -> JSONObject {
        JSONObject(members.filter { $0.key != name }.map { ($0.key, $0.value) })
    }
}
