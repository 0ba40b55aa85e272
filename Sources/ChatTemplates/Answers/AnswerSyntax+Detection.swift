extension AnswerSyntax {
    /// The syntax that a model's chat template shows.
    ///
    /// Templates write the calls and the reasoning of earlier answers back into the prompt, so they hold
    /// the markers that the model was trained on. The most particular markers are looked for first.
    package static func detect(in template: String) -> AnswerSyntax {
        let text = TemplateText(template)
        var syntax = AnswerSyntax(reasoning: reasoning(text))
        if text.has("<|channel|>", "<|message|>") {
            syntax.channels = .harmony
            syntax.reasoning = nil
        } else if text.has(">>>", "recipient") {
            syntax.channels = .functionary
        } else {
            syntax.toolCalls =
                taggedCalls(text) ?? sectionedCalls(text) ?? markedCalls(text) ?? otherCalls(text)
        }
        if text.has("<|START_RESPONSE|>") || text.has("<|START_ACTION|>") {
            syntax.silentMarkers = ["<|START_RESPONSE|>", "<|END_RESPONSE|>"]
        } else if text.has("<response>", "<think>") {
            syntax.silentMarkers = ["<response>", "</response>"]
        }
        syntax.describesTools =
            text.has("tools") && (syntax.toolCalls != nil || syntax.channels != nil)
        return syntax
    }

    private struct TemplateText {
        let bytes: [UInt8]

        init(_ text: String) { bytes = Array(text.utf8) }

        /// Whether all of them occur.
        func has(_ texts: String...) -> Bool {
            texts.allSatisfy { bytes.firstRange(of: Array($0.utf8)) != nil }
        }
    }

    private static func reasoning(_ text: TemplateText) -> ReasoningSyntax? {
        let pairs = [
            ("[THINK]", "[/THINK]"),
            ("<|START_THINKING|>", "<|END_THINKING|>"),
            ("<seed:think>", "</seed:think>"),
            ("<mm:think>", "</mm:think>"),
            ("<|channel>thought", "<channel|>"),
            ("<think>", "</think>"),
        ]
        for (start, end) in pairs where text.has(end) {
            return ReasoningSyntax(start: start, end: end)
        }
        return nil
    }

    /// Names and arguments between tags.
    private static func taggedCalls(_ text: TemplateText) -> ToolCallSyntax? {
        if text.has("<seed:tool_call>") {
            return ToolCallSyntax(
                start: "<seed:tool_call>",
                body: .tagged(.qwenCoder),
                end: "</seed:tool_call>"
            )
        }
        if text.has("<tool_call>", "<function=", "</parameter>") {
            return ToolCallSyntax(
                start: "<tool_call>",
                body: .tagged(.qwenCoder),
                end: "</tool_call>"
            )
        }
        if text.has("<arg_key>", "<tool_call>") {
            return ToolCallSyntax(start: "<tool_call>", body: .tagged(.argumentPairs))
        }
        // DeepSeek V3.2 and V4 call the section by different names.
        for section in ["function_calls", "tool_calls"] where text.has("｜DSML｜", section) {
            return invocations(prefix: "｜DSML｜", section: "｜DSML｜\(section)", isTyped: true)
        }
        if text.has("<minimax:tool_call>") {
            return invocations(prefix: "", section: "minimax:tool_call", isTyped: false)
        }
        if text.has("<atem:function_calls>") {
            return invocations(prefix: "atem:", section: "atem:function_calls", isTyped: false)
        }
        return nil
    }

    private static func invocations(
        prefix: String,
        section: String,
        isTyped: Bool
    ) -> ToolCallSyntax {
        ToolCallSyntax(
            sectionStart: "<\(section)>",
            start: "<\(prefix)invoke name=\"",
            body: .tagged(.invocations(prefix: prefix, isTyped: isTyped)),
            sectionEnd: "</\(section)>"
        )
    }

    /// A name and JSON, all calls between two markers.
    private static func sectionedCalls(_ text: TemplateText) -> ToolCallSyntax? {
        if text.has("<｜tool▁call▁begin｜>") {
            let isOlder = text.has("```json")
            return ToolCallSyntax(
                sectionStart: "<｜tool▁calls▁begin｜>",
                start: isOlder
                    ? "<｜tool▁call▁begin｜>function<｜tool▁sep｜>" : "<｜tool▁call▁begin｜>",
                body: .named(separator: isOlder ? "\n```json\n" : "<｜tool▁sep｜>"),
                end: isOlder ? "```<｜tool▁call▁end｜>" : "<｜tool▁call▁end｜>",
                sectionEnd: "<｜tool▁calls▁end｜>"
            )
        }
        if text.has("<|tool_calls_section_begin|>") {
            return ToolCallSyntax(
                sectionStart: "<|tool_calls_section_begin|>",
                start: "<|tool_call_begin|>",
                body: .named(separator: ToolCallSyntax.numberedNameSeparator),
                end: "<|tool_call_end|>",
                sectionEnd: "<|tool_calls_section_end|>"
            )
        }
        if text.has("<|tool_call:begin|>") {
            return ToolCallSyntax(
                start: "<|tool_call:begin|>",
                body: .named(separator: "<|tool_call:args|>"),
                end: "<|tool_call:end|>"
            )
        }
        if text.has("<tool_calls>"), !text.has("<tool_calls>[") {
            return ToolCallSyntax(
                sectionStart: "<tool_calls>",
                start: "",
                body: .object(name: "name", arguments: "arguments"),
                sectionEnd: "</tool_calls>"
            )
        }
        return nil
    }

    /// JSON between two markers.
    private static func markedCalls(_ text: TemplateText) -> ToolCallSyntax? {
        let array = ToolCallSyntax.Body.array(name: "name", arguments: "arguments")
        if text.has("[TOOL_CALLS]") {
            let body = text.has("[ARGS]") ? .named(separator: "[ARGS]") : array
            return ToolCallSyntax(start: "[TOOL_CALLS]", body: body)
        }
        if text.has("<tool_calls>[") {
            return ToolCallSyntax(start: "<tool_calls>", body: array, end: "</tool_calls>")
        }
        if text.has("<TOOLCALL>") {
            return ToolCallSyntax(start: "<TOOLCALL>", body: array, end: "</TOOLCALL>")
        }
        if text.has("<|START_ACTION|>") {
            return ToolCallSyntax(
                start: "<|START_ACTION|>",
                body: .array(name: "tool_name", arguments: "parameters"),
                end: "<|END_ACTION|>"
            )
        }
        if text.has("<|tools_prefix|>") {
            return ToolCallSyntax(
                start: "<|tools_prefix|>",
                body: .keyedArray,
                end: "<|tools_suffix|>"
            )
        }
        if text.has("<|tool_call|>") {
            let end = text.has("<|/tool_call|>") ? "<|/tool_call|>" : ""
            return ToolCallSyntax(start: "<|tool_call|>", body: array, end: end)
        }
        if text.has("functools[") {
            return ToolCallSyntax(start: "functools", body: array)
        }
        return nil
    }

    private static func otherCalls(_ text: TemplateText) -> ToolCallSyntax? {
        // MiniMax M3 has tags of its own that only look alike.
        if text.has("<tool_call>"), !text.has("minimax[>[") { return .hermes }
        if text.has("<start_function_call>") {
            return ToolCallSyntax(
                start: "<start_function_call>",
                body: .braces(quote: "<escape>"),
                end: "<end_function_call>"
            )
        }
        if text.has("<|tool_call>", "<tool_call|>") {
            return ToolCallSyntax(
                start: "<|tool_call>",
                body: .braces(quote: "<|\"|>"),
                end: "<tool_call|>"
            )
        }
        if text.has("<|tool_call_start|>") || text.has("<|tool_list_start|>") {
            return ToolCallSyntax(
                start: "<|tool_call_start|>",
                body: .python,
                end: "<|tool_call_end|>"
            )
        }
        if text.has("<function=", "</function>") {
            return ToolCallSyntax(
                start: "<function=",
                body: .named(separator: ">"),
                end: "</function>"
            )
        }
        let object = ToolCallSyntax.Body.object(name: "name", arguments: "parameters")
        if text.has("JSON for a function call") {
            return ToolCallSyntax(start: "<|python_tag|>", body: object, mayBeBare: true)
        }
        if text.has("<|function_call|>") {
            return ToolCallSyntax(
                start: "<|function_call|>",
                body: .object(name: "name", arguments: "arguments")
            )
        }
        if text.has("Action:", "```json", "tool_name") {
            return ToolCallSyntax(
                sectionStart: "Action:",
                start: "```json",
                body: .array(name: "tool_name", arguments: "parameters"),
                end: "```"
            )
        }
        return nil
    }
}
