import ChatTemplates
import Grammars
import JSON
import Testing
import WorkerProtocol

@testable import Worker

/// How answers are read and what they are held to, by what the conversation asks for.
@Suite struct AnswerPlanTests {
    static let plain = "{% for m in messages %}{{ m.content }}{% endfor %}"
    static let thinking = plain + "{{ '<think>' if enable_thinking else '<think></think>' }}"
    static let hermes = "{{ tools }}<tool_call>" + plain

    static func tools(strict: Bool = false) -> JSONValue {
        [["type": "function", "function": ["name": "f", "strict": .bool(strict)]]]
    }

    private func plan(
        _ template: String,
        tools: JSONValue? = nil,
        choice: ToolChoice = .automatic,
        constraint: GrammarExpression? = nil,
        arguments: JSONObject = [:]
    ) throws -> EncodedPrompt {
        let chat = ChatPrompt(
            messages: [["role": "user", "content": "a"]],
            tools: tools,
            templateArguments: arguments,
            toolChoice: choice,
            reasoningBudget: 5
        )
        return try PromptEncoderTests.encoder(template: template)
            .encode(.chat(chat), constraint: constraint, now: PromptEncoderTests.date)
    }

    @Test func `text stays text where nothing is marked`() throws {
        let encoded = try plan(Self.plain)
        #expect(encoded.answer == nil && encoded.constraint == nil)
        #expect(try plan(Self.hermes).answer == nil)
    }

    @Test func `reads reasoning as far as the prompt has begun it`() throws {
        let begun = try plan(Self.thinking, arguments: ["enable_thinking": true])
        #expect(begun.answer?.parser.isReasoning == true && begun.answer?.reasoningBudget == 5)
        let tokenizer = try PromptEncoderTests.encoder(template: nil).tokenizer
        let end = try #require(begun.answer?.reasoningEnd)
        #expect(tokenizer.detokenize(end) == "\n</think>\n\n")
        #expect(begun.constraint == nil)
        let ended = try plan(Self.thinking, arguments: ["enable_thinking": false])
        #expect(ended.answer?.parser.isReasoning == false)
    }

    @Test func `a constraint holds from the end of the reasoning on`() throws {
        let yes = GrammarExpression.literal("yes")
        let plain = try plan(Self.plain, constraint: yes)
        #expect(plain.constraint == yes)
        let begun = try plan(
            Self.thinking,
            constraint: yes,
            arguments: ["enable_thinking": true]
        )
        let vocabulary = ToolCallGrammarTests.vocabulary
        let constraint = try TokenConstraint(
            Grammar(try #require(begun.constraint)),
            vocabulary: vocabulary
        )
        func accepts(_ text: String) throws -> Bool {
            var state = try constraint.start()
            for byte in text.utf8 {
                guard try constraint.mask(&state).contains(Int32(byte)) else { return false }
                try constraint.accept(Int32(byte), &state)
            }
            return state.isComplete
        }
        #expect(try accepts("hm, no</think>\n\nyes"))
        #expect(try !accepts("yes"))
        #expect(try !accepts("hm</think>no"))
    }

    @Test func `calls are held to a grammar where their form is JSON, or one is strict`() throws {
        #expect(try plan(Self.hermes, tools: Self.tools()).constraint != nil)
        #expect(try plan(Self.plain, tools: Self.tools()).constraint != nil)
        let gemma = "{{ tools }}<start_function_call>" + Self.plain
        #expect(try plan(gemma, tools: Self.tools()).constraint == nil)
        #expect(try plan(gemma, tools: Self.tools(strict: true)).constraint != nil)
        #expect(try plan(gemma, tools: Self.tools(), choice: .required).constraint != nil)
    }

    @Test func `an answer may be what is asked for or a call`() throws {
        let yes = GrammarExpression.literal("yes")
        let either = try plan(Self.hermes, tools: Self.tools(), constraint: yes)
        guard case .choice(let parts)? = either.constraint else {
            Issue.record("\(String(describing: either.constraint))")
            return
        }
        #expect(parts.contains(yes) && parts.count == 2)
        let forced = try plan(
            Self.hermes,
            tools: Self.tools(),
            choice: .named("f"),
            constraint: yes
        )
        #expect(forced.constraint != nil && forced.constraint != either.constraint)
    }
}
