import ChatTemplates
import JSON
import WorkerProtocol

/// A model's chat template together with what must be known of it to use it well.
///
/// Immutable and safe from any thread.
final class ChatFormat: Sendable {
    /// How the model marks the parts of its answers.
    let syntax: AnswerSyntax
    private let template: ChatTemplate
    private let specialTokens: JSONObject
    /// Whether the template joins a call's arguments to other text, and so cannot take an object.
    private let wantsArgumentsAsText: Bool
    /// Whether it refuses instructions in a message of their own.
    private let refusesSystemMessages: Bool

    /// Reads a template and tries it out on a few short conversations.
    init(source: String, specialTokens: JSONObject) throws(ChatTemplateError) {
        let template = try ChatTemplate(source: source)
        self.template = template
        self.specialTokens = specialTokens
        let hi: JSONValue = ["role": "user", "content": "hi"]
        func attempt(_ messages: JSONValue, tools: JSONValue? = nil) -> String? {
            var arguments: JSONObject = ["messages": messages, "add_generation_prompt": true]
            arguments["tools"] = tools
            let now = ChatTemplateDate(year: 2026, month: 1, day: 1)
            return try? template.render(arguments, specialTokens: specialTokens, now: now).text
        }
        func attempt(arguments: JSONValue) -> String? {
            let function: JSONValue = ["name": "f", "arguments": arguments]
            let call: JSONValue = ["id": "call00001", "type": "function", "function": function]
            let parameters: JSONValue = ["type": "object", "properties": [:]]
            let described: JSONValue = [
                "name": "f", "description": "d", "parameters": parameters,
            ]
            return attempt(
                [
                    hi, ["role": "assistant", "content": "", "tool_calls": [call]],
                    ["role": "tool", "content": "r", "tool_call_id": "call00001", "name": "f"],
                ],
                tools: [["type": "function", "function": described]]
            )
        }
        let asObject = attempt(arguments: ["key": "quoted"])
        let asText = attempt(arguments: "{\"key\": \"quoted\"}")
        let showsObject = asObject?.contains("\"quoted\"") ?? false
        let showsText = asText?.contains("\"quoted\"") ?? false
        var syntax = AnswerSyntax.detect(in: source)
        // A template that fails with tools is used without.
        if attempt([hi]) != nil, asObject == nil, asText == nil { syntax.describesTools = false }
        self.syntax = syntax
        wantsArgumentsAsText = asObject == nil && asText != nil || !showsObject && showsText
        refusesSystemMessages =
            attempt([hi]) != nil && attempt([["role": "system", "content": "s"], hi]) == nil
    }

    /// A conversation in the layout the model was trained on.
    func render(
        _ chat: ChatPrompt,
        now: ChatTemplateDate
    ) throws(ChatTemplateError) -> RenderedPrompt {
        var messages = chat.messages.arrayValue ?? []
        var arguments = chat.templateArguments
        arguments["tools"] = syntax.describesTools ? chat.tools : nil
        if syntax.describesTools {
            if wantsArgumentsAsText { messages = messages.map(Self.withArgumentsAsText) }
        } else {
            messages = ToolInstructions.rewritten(
                messages,
                tools: chat.tools?.arrayValue ?? [],
                intoUserMessage: refusesSystemMessages
            )
        }
        if syntax.channels == .harmony, arguments["reasoning_effort"] == "none" {
            // Harmony knows no less.
            arguments["reasoning_effort"] = "low"
        }
        arguments["add_generation_prompt"] = .bool(chat.addGenerationPrompt)
        guard chat.continuesFinalMessage else {
            arguments["messages"] = .array(messages)
            return try template.render(arguments, specialTokens: specialTokens, now: now)
        }
        let mark = Self.unusedMark(messages)
        arguments["messages"] = .array(Self.withFinalMark(mark, messages))
        let marked = try template.render(arguments, specialTokens: specialTokens, now: now)
        return try Self.cut(marked, at: mark)
    }

    /// Whether the reasoning has begun at the end of a prompt.
    func endsInReasoning(_ prompt: String) -> Bool {
        guard let reasoning = syntax.reasoning else { return false }
        let lines = Substring(prompt)
        let tail = lines.reversed().drop { $0.isWhitespace }
        return tail.starts(with: reasoning.start.reversed())
    }

    private static func withArgumentsAsText(_ message: JSONValue) -> JSONValue {
        guard var object = message.objectValue, let calls = object["tool_calls"]?.arrayValue else {
            return message
        }
        object["tool_calls"] = .array(
            calls.map { call in
                guard var changed = call.objectValue, var function = call["function"]?.objectValue,
                    let arguments = function["arguments"], arguments.stringValue == nil
                else { return call }
                function["arguments"] = .string(arguments.serialized())
                changed["function"] = .object(function)
                return .object(changed)
            }
        )
        return .object(object)
    }
}

// Prompts that end inside the last message.
extension ChatFormat {
    /// A word that no message contains.
    private static func unusedMark(_ messages: [JSONValue]) -> String {
        let text = JSONValue.array(messages).serialized()
        var mark = "CONTINUE_FINAL_MESSAGE"
        while text.contains(mark) { mark += "_" }
        return mark
    }

    /// The messages with the mark, and a space, at the end of the last one's text.
    private static func withFinalMark(_ mark: String, _ messages: [JSONValue]) -> [JSONValue] {
        guard var last = messages.last?.objectValue else { return messages }
        last["content"] = .string((last["content"]?.stringValue ?? "") + mark + " ")
        return messages.dropLast() + [.object(last)]
    }

    /// The prompt up to the mark.
    ///
    /// As in `transformers`: where the template has removed the space after the mark, it would have
    /// removed that at the end of the message too.
    private static func cut(
        _ prompt: RenderedPrompt,
        at mark: String
    ) throws(ChatTemplateError) -> RenderedPrompt {
        var runs = prompt.runs
        while let last = runs.popLast() {
            let bytes = Array(last.text.utf8)
            guard let range = bytes.ranges(of: Array(mark.utf8)).last else { continue }
            var kept = bytes[..<range.lowerBound]
            if bytes[range.upperBound...].first != UInt8(ascii: " ") {
                while let byte = kept.last, byte == 0x20 || (0x09...0x0D).contains(byte) {
                    kept.removeLast()
                }
            }
            if !kept.isEmpty {
                let text = String(decoding: kept, as: UTF8.self)
                runs.append(RenderedPrompt.Run(text: text, isTrusted: last.isTrusted))
            }
            return RenderedPrompt(runs: runs)
        }
        throw ChatTemplateError(
            .raised,
            "The chat template leaves the last message out, so it cannot be continued."
        )
    }
}
