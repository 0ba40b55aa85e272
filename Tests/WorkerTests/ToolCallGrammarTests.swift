import ChatTemplates
import Grammars
import JSON
import TestSupport
import Testing
import WorkerProtocol

@testable import Worker

/// What the grammar of calls lets through, the parser reads as calls, and their arguments are valid.
@Suite struct ToolCallGrammarTests {
    static let tools: JSONValue = [
        [
            "type": "function",
            "function": [
                "name": "get_weather",
                "parameters": [
                    "type": "object",
                    "properties": [
                        "city": ["type": "string", "maxLength": 6],
                        "unit": ["enum": ["c", "f"]],
                    ],
                    "required": ["city", "unit"],
                ],
            ],
        ],
        ["type": "function", "function": ["name": "clock", "strict": true]],
    ]

    /// A template of each form.
    static let templates = [
        "<tool_call> {{ tools }}", "<tool_call></think> {{ tools }}",
        "JSON for a function call {{ tools }}", "[TOOL_CALLS] {{ tools }}",
        "[TOOL_CALLS][ARGS] {{ tools }}", "<tool_call><function=</parameter> {{ tools }}",
        "<tool_call><arg_key> {{ tools }}", "<minimax:tool_call> {{ tools }}",
        "｜DSML｜function_calls {{ tools }}", "<｜tool▁call▁begin｜> {{ tools }}",
        "<｜tool▁call▁begin｜>```json {{ tools }}", "<|tool_calls_section_begin|> {{ tools }}",
        "<start_function_call> {{ tools }}", "<|tool_call><tool_call|> {{ tools }}",
        "<|tool_call_start|> {{ tools }}", "<|tool_call|> {{ tools }}", "functools[ {{ tools }}",
        "<|tools_prefix|> {{ tools }}", "<|START_ACTION|> {{ tools }}",
        "<function=</function> {{ tools }}", ">>> recipient {{ tools }}",
        "<|channel|><|message|> {{ tools }}", "<tool_calls> {{ tools }}",
        "<tool_calls>[ {{ tools }}",
        "Action: ```json tool_name {{ tools }}", "<TOOLCALL> {{ tools }}",
    ]

    /// Every byte is a token, and the last one ends the output.
    static let vocabulary = GrammarVocabulary(
        tokens: (UInt8.min...UInt8.max).map { [$0] } + [Array("<|end|>".utf8)],
        controlTokens: [256],
        endTokens: [256]
    )

    /// A random output that follows a grammar, printable where that is possible; nil if it grows too
    /// long.
    private func output(
        _ constraint: TokenConstraint,
        _ generator: inout SeededGenerator
    ) throws -> [UInt8]? {
        var state = try constraint.start()
        var bytes: [UInt8] = []
        while bytes.count < 1200 {
            if state.isExhausted { return bytes }
            let mask = try constraint.mask(&state)
            if state.isComplete, Bool.random(using: &generator) { return bytes }
            // Brackets and quotes more often, so that values end.
            let likely = Array("\"}]>\n".utf8).filter { mask.contains(Int32($0)) }
            let plain = (UInt8(0x20)...0x7E).filter { mask.contains(Int32($0)) }
            let any = (UInt8.min...UInt8.max).filter { mask.contains(Int32($0)) }
            let isLikely = Int.random(in: 0..<4, using: &generator) == 0 && !likely.isEmpty
            let choices = isLikely ? likely : plain.isEmpty ? any : plain
            guard let byte = choices.randomElement(using: &generator) else { return bytes }
            try constraint.accept(Int32(byte), &state)
            bytes.append(byte)
        }
        return nil
    }

    private func chat(_ choice: ToolChoice, parallel: Bool = true) -> ChatPrompt {
        ChatPrompt(
            messages: [["role": "user", "content": "a"]],
            tools: Self.tools,
            toolChoice: choice,
            allowsParallelToolCalls: parallel
        )
    }

    private func check(_ calls: [(name: String, arguments: [UInt8])], _ comment: String) throws {
        for call in calls {
            let arguments = try #require(
                (try? JSONValue.parse(call.arguments))?.objectValue,
                "\(comment)"
            )
            if call.name == "get_weather" {
                #expect(arguments.keys == ["city", "unit"], "\(comment)")
                #expect(arguments["city"]?.stringValue.map { $0.unicodeScalars.count <= 6 } == true)
                #expect(arguments["unit"] == "c" || arguments["unit"] == "f")
            } else {
                #expect(call.name == "clock" && arguments.isEmpty, "\(comment)")
            }
        }
    }

    private func parse(_ bytes: [UInt8], _ syntax: AnswerSyntax) -> (
        calls: [(name: String, arguments: [UInt8])], content: [UInt8], wholeCount: Int
    ) {
        let facts = (Self.tools.arrayValue ?? []).compactMap { ToolFacts($0) }
        var parser = AnswerParser(syntax, tools: facts, streamsCalls: true)
        var calls: [(name: String, arguments: [UInt8])] = []
        var content: [UInt8] = []
        var wholeCount = 0
        for piece in parser.append(bytes) + parser.finish(isCut: false) {
            switch piece {
            case .content(let text, _): content += text
            case .reasoning: break
            case .callStarted(let name): calls.append((name, []))
            case .callArguments(let more): calls[calls.count - 1].arguments += more
            case .callEnded: wholeCount += 1
            }
        }
        return (calls, content, wholeCount)
    }

    @Test(arguments: templates)
    func `reads calls in everything that the grammar lets through`(template: String) throws {
        let syntax = AnswerSyntax.detect(in: template)
        #expect(syntax.describesTools)
        var generator = SeededGenerator(seed: 11)
        for (choice, parallel) in [
            (ToolChoice.required, true), (.required, false), (.named("clock"), false),
        ] {
            let grammar = ToolCallGrammar(syntax, chat(choice, parallel: parallel))
            let expression = ToolCallGrammar.after(
                syntax.reasoning,
                hasBegun: false,
                grammar.required
            )
            let constraint = try TokenConstraint(Grammar(expression), vocabulary: Self.vocabulary)
            for _ in 0..<5 {
                guard let bytes = try output(constraint, &generator) else { continue }
                let text = String(decoding: bytes, as: UTF8.self).debugDescription
                let (calls, content, wholeCount) = parse(bytes, syntax)
                #expect(calls.count >= 1 && wholeCount == calls.count, "\(text)")
                #expect(content.isEmpty, "\(text)")
                if !parallel { #expect(calls.count == 1, "\(text)") }
                if choice == .named("clock") { #expect(calls.first?.name == "clock") }
                try check(calls, text)
            }
        }
    }

    @Test(arguments: templates)
    func `a call that has begun is one to its end`(template: String) throws {
        let syntax = AnswerSyntax.detect(in: template)
        let grammar = ToolCallGrammar(syntax, chat(.automatic))
        let constraint = try TokenConstraint(
            Grammar(grammar.automatic),
            vocabulary: Self.vocabulary
        )
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<5 {
            guard let bytes = try output(constraint, &generator) else { continue }
            let (calls, _, wholeCount) = parse(bytes, syntax)
            let text = String(decoding: bytes, as: UTF8.self).debugDescription
            #expect(wholeCount == calls.count, "\(text)")
            try check(calls, text)
        }
        // Text and calls are both possible.
        let isChannelled = syntax.channels != nil
        if !isChannelled { #expect(try accepts("Hello.", constraint)) }
    }

    private func accepts(_ text: String, _ constraint: TokenConstraint) throws -> Bool {
        var state = try constraint.start()
        for byte in text.utf8 {
            guard try constraint.mask(&state).contains(Int32(byte)) else { return false }
            try constraint.accept(Int32(byte), &state)
        }
        return state.isComplete
    }

    @Test func `a schema that no grammar can follow costs a tool its schema or the request`() throws
    {
        func chat(strict: Bool) -> ChatPrompt {
            let parameters: JSONValue = ["type": "object", "not": ["required": ["a"]]]
            return ChatPrompt(
                messages: [],
                tools: [
                    [
                        "type": "function",
                        "function": [
                            "name": "f", "parameters": parameters, "strict": .bool(strict),
                        ],
                    ]
                ],
                toolChoice: .required
            )
        }
        let syntax = AnswerSyntax(toolCalls: .hermes, describesTools: true)
        _ = try Grammar(ToolCallGrammar(syntax, chat(strict: false)).required)
        let error = #expect(throws: GrammarError.self) {
            try Grammar(ToolCallGrammar(syntax, chat(strict: true)).required)
        }
        #expect(error?.path.hasPrefix("tools[0].function.parameters") == true)
    }
}
