import ChatTemplates
import JSON
import Testing
import WorkerProtocol

@testable import Worker

@Suite struct ChatFormatTests {
    static let date = ChatTemplateDate(year: 2026, month: 11, day: 23)
    static let plain =
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
        + "{% if add_generation_prompt %}[assistant]{% endif %}"
    static let tools: JSONValue = [
        ["type": "function", "function": ["name": "f", "parameters": ["type": "object"]]]
    ]
    static let call: JSONValue = [
        "role": "assistant", "content": "",
        "tool_calls": [
            ["id": "1", "type": "function", "function": ["name": "f", "arguments": ["a": 1]]]
        ],
    ]

    private func render(
        _ template: String,
        _ messages: JSONValue,
        tools: JSONValue? = nil,
        continues: Bool = false,
        arguments: JSONObject = [:]
    ) throws -> String {
        let chat = ChatPrompt(
            messages: messages,
            tools: tools,
            addGenerationPrompt: !continues,
            continuesFinalMessage: continues,
            templateArguments: arguments
        )
        return try ChatFormat(source: template, specialTokens: [:])
            .render(chat, now: Self.date).text
    }

    private func user(_ text: String) -> JSONValue { ["role": "user", "content": .string(text)] }

    @Test func `tells models of tools whose template knows none`() throws {
        let text = try render(Self.plain, [user("hi")], tools: Self.tools)
        #expect(text.hasPrefix("[system]You can call functions."))
        #expect(text.contains(#"{"type":"function","function":{"name":"f""#))
        #expect(text.contains("<tool_call>") && text.hasSuffix("[user]hi[assistant]"))
    }

    @Test func `adds to the instructions there are`() throws {
        let system: JSONValue = ["role": "system", "content": "Be brief."]
        let text = try render(Self.plain, [system, user("hi")], tools: Self.tools)
        #expect(text.hasPrefix("[system]Be brief.\n\nYou can call"))
        #expect(!text.dropFirst().contains("[system]"))
    }

    @Test func `instructs in the user's message where the template refuses a system message`()
        throws
    {
        let refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        let text = try render(refusing + Self.plain, [user("hi")], tools: Self.tools)
        #expect(text.hasPrefix("[user]You can call") && text.hasSuffix("\n\nhi[assistant]"))
    }

    @Test func `writes earlier calls and results as text`() throws {
        let result: JSONValue = ["role": "tool", "content": "20", "tool_call_id": "1"]
        let text = try render(Self.plain, [user("hi"), Self.call, result, result])
        let expected =
            "[user]hi[assistant]<tool_call>\n{\"name\":\"f\",\"arguments\":{\"a\":1}}\n"
            + "</tool_call>[user]<tool_response>\n20\n</tool_response>\n<tool_response>\n20\n"
            + "</tool_response>[assistant]"
        #expect(text == expected)
    }

    static let calls = "{{ tools }}{% for m in messages %}{% if m.tool_calls %}<tool_call>"

    @Test func `gives arguments as text to templates that join them to text`() throws {
        let joining =
            Self.calls
            + "{{ '(' + m.tool_calls[0].function.arguments + ')' }}{% endif %}{% endfor %}"
        #expect(try render(joining, [user("a"), Self.call]) == "None<tool_call>({\"a\":1})")
        let printing =
            Self.calls + "{{ m.tool_calls[0].function.arguments }}{% endif %}{% endfor %}"
        #expect(try render(printing, [user("a"), Self.call]) == "None<tool_call>{\"a\":1}")
        let dumping =
            Self.calls + "{{ m.tool_calls[0].function.arguments | tojson }}{% endif %}{% endfor %}"
        #expect(try render(dumping, [user("a"), Self.call]) == "None<tool_call>{\"a\": 1}")
    }

    @Test func `leaves the last message open when it is to be continued`() throws {
        let closing =
            "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
        let trimming = closing.replacing("m.content", with: "m.content | trim")
        let messages: JSONValue = [user("a"), ["role": "assistant", "content": "Once upon "]]
        #expect(
            try render(closing, messages, continues: true)
                == "<user>a</user><assistant>Once upon "
        )
        #expect(
            try render(trimming, messages, continues: true)
                == "<user>a</user><assistant>Once upon"
        )
        let dropping = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
        #expect(throws: ChatTemplateError.self) {
            try render(dropping, messages, continues: true)
        }
    }

    @Test func `knows whether the prompt has begun the reasoning`() throws {
        let format = try ChatFormat(source: Self.plain + "<think></think>", specialTokens: [:])
        #expect(format.endsInReasoning("[assistant]<think>\n"))
        #expect(!format.endsInReasoning("<think>\n\n</think>\n\n"))
        let other = try ChatFormat(source: Self.plain, specialTokens: [:])
        #expect(!other.endsInReasoning("<think>"))
    }

    @Test func `reads the types of parameters from their schema`() {
        let facts = ToolFacts([
            "function": [
                "name": "f",
                "parameters": [
                    "properties": [
                        "a": ["type": "string"], "b": ["type": ["integer", "null"]],
                        "c": ["enum": ["x", "y"]], "d": ["description": "?"],
                        "e": ["anyOf": [["type": "string"], ["type": "null"]]],
                    ]
                ],
            ]
        ])
        let expected: [String: Set<String>] = [
            "a": ["string"], "b": ["integer", "null"], "c": ["string"], "e": ["string", "null"],
        ]
        #expect(facts == ToolFacts(name: "f", parameterTypes: expected))
    }
}
