import JSON
import OpenAIAPI
import Testing
import WorkerProtocol

@Suite struct ToolOfferTests {
    static let tools: JSONValue = [
        ["type": "function", "function": ["name": "f", "strict": true]],
        ["type": "function", "function": ["name": "g"]],
    ]

    private func conversation(_ members: JSONObject) throws -> ChatPrompt {
        var body: JSONObject = ["model": "m", "messages": [["role": "user", "content": "a"]]]
        for (key, value) in members.members { body[key] = .some(value) }
        return try ChatCompletionRequest.parse(.object(body)).conversation
    }

    private func error(_ members: JSONObject) -> APIError? {
        #expect(throws: APIError.self) { try conversation(members) }
    }

    static let choices: [(JSONValue, ToolChoice)] = [
        (nil, .automatic), ("auto", .automatic), ("required", .required),
        (["type": "function", "function": ["name": "g"]], .named("g")),
        (["type": "function", "name": "g"], .named("g")),
    ]

    @Test(arguments: choices)
    func `reads every way to choose`(_ value: JSONValue, _ choice: ToolChoice) throws {
        let prompt = try conversation(["tools": Self.tools, "tool_choice": value])
        #expect(prompt.toolChoice == choice)
        #expect(prompt.tools == Self.tools)
        #expect(prompt.allowsParallelToolCalls == !(choice == .named("g")))
    }

    @Test(arguments: [("auto", ToolChoice.automatic), ("required", .required)])
    func `offers only the allowed tools`(_ mode: String, _ choice: ToolChoice) throws {
        let allowed: JSONValue = [
            "mode": .string(mode), "tools": [["type": "function", "function": ["name": "g"]]],
        ]
        let prompt = try conversation([
            "tools": Self.tools,
            "tool_choice": ["type": "allowed_tools", "allowed_tools": allowed],
        ])
        #expect(prompt.toolChoice == choice)
        #expect(prompt.tools == [["type": "function", "function": ["name": "g"]]])
    }

    @Test func `can be held to one call`() throws {
        let prompt = try conversation(["tools": Self.tools, "parallel_tool_calls": false])
        #expect(!prompt.allowsParallelToolCalls)
        #expect(try conversation(["tools": Self.tools]).allowsParallelToolCalls)
    }

    @Test func `reads the deprecated functions as tools`() throws {
        let body: JSONValue = [
            "model": "m", "messages": [["role": "user", "content": "a"]],
            "functions": [["name": "f"], ["name": "g"]], "function_call": ["name": "g"],
        ]
        let request = try ChatCompletionRequest.parse(body)
        #expect(request.usesFunctions && request.conversation.toolChoice == .named("g"))
        #expect(!request.conversation.allowsParallelToolCalls)
        let expected: JSONValue = [
            ["type": "function", "function": ["name": "f"]],
            ["type": "function", "function": ["name": "g"]],
        ]
        #expect(request.conversation.tools == expected)
    }

    static let wrong: [(JSONObject, String)] = [
        (["tools": tools, "tool_choice": "maybe"], "tool_choice"),
        (["tools": tools, "tool_choice": 1], "tool_choice"),
        (["tool_choice": "required"], "tool_choice"),
        (["tools": [], "tool_choice": "required"], "tool_choice"),
        (["tools": tools, "tool_choice": ["type": "function"]], "tool_choice.name"),
        (
            ["tools": tools, "tool_choice": ["type": "function", "function": ["name": "h"]]],
            "tool_choice"
        ),
        (["tools": tools, "tool_choice": ["type": "custom"]], "tool_choice.type"),
        (["tools": tools, "tool_choice": ["type": "allowed_tools"]], "tool_choice.tools"),
        (
            ["tools": tools, "tool_choice": ["type": "allowed_tools", "mode": "x", "tools": []]],
            "tool_choice.mode"
        ),
        (
            ["tools": tools, "tool_choice": ["type": "allowed_tools", "tools": [["name": "h"]]]],
            "tool_choice.tools[0]"
        ),
        (
            [
                "tools": [
                    ["type": "function", "function": ["name": "f"]],
                    ["type": "function", "function": ["name": "f"]],
                ]
            ], "tools[1]"
        ),
        (["tools": tools, "function_call": ["name": "f"]], "function_call"),
        (["functions": [["name": "f"]], "function_call": ["name": "h"]], "function_call"),
        (["functions": [["name": "f"]], "function_call": "required"], "function_call"),
        (["functions": [["parameters": [:]]]], "functions[0].name"),
        (["parallel_tool_calls": "yes"], "parallel_tool_calls"),
        (["reasoning_effort": "much"], "reasoning_effort"),
        (["thinking_budget": -2], "thinking_budget"),
        (["continue_final_message": true], "continue_final_message"),
    ]

    @Test(arguments: wrong.indices)
    func `refuses what makes no sense and names the place`(_ index: Int) {
        let error = error(Self.wrong[index].0)
        #expect(error?.status == 400)
        #expect(error?.parameter == Self.wrong[index].1)
    }

    @Test func `tells templates of the effort in the words they know`() throws {
        let none = try conversation(["reasoning_effort": "none"])
        #expect(none.templateArguments["enable_thinking"] == false && none.reasoningBudget == 0)
        let most = try conversation(["reasoning_effort": "xhigh"])
        #expect(most.templateArguments["reasoning_effort"] == "high")
        #expect(most.templateArguments["thinking"] == true && most.reasoningBudget == nil)
        let both = try conversation([
            "reasoning_effort": "low", "chat_template_kwargs": ["enable_thinking": false],
        ])
        #expect(both.templateArguments["enable_thinking"] == false)
        #expect(try conversation(["thinking_budget": 7]).reasoningBudget == 7)
        #expect(try conversation(["reasoning_budget": -1]).reasoningBudget == nil)
    }

    @Test func `continues the assistant's last message`() throws {
        let body: JSONValue = [
            "model": "m", "continue_final_message": true,
            "messages": [
                ["role": "user", "content": "a"], ["role": "assistant", "content": "Once"],
            ],
        ]
        let prompt = try ChatCompletionRequest.parse(body).conversation
        #expect(prompt.continuesFinalMessage && !prompt.addGenerationPrompt)
    }
}
