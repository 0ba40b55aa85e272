import JSON
import OpenAIAPI
import Testing
import WorkerProtocol

@Suite struct ChatMessageTests {
    @Test(arguments: [
        (#"{"role":"developer","content":"a"}"#, #"{"role":"system","content":"a"}"#),
        (
            #"{"role":"user","content":[{"type":"text","text":"a "},{"type":"text","text":"b"}]}"#,
            #"{"role":"user","content":"a b"}"#
        ),
        (
            #"{"role":"user","content":"a","name":"n"}"#,
            #"{"role":"user","content":"a","name":"n"}"#
        ),
        (#"{"role":"user","content":"a","unknown":1}"#, #"{"role":"user","content":"a"}"#),
        (#"{"role":"assistant","content":null}"#, #"{"role":"assistant","content":""}"#),
        (#"{"role":"assistant"}"#, #"{"role":"assistant","content":""}"#),
        (#"{"role":"assistant","content":[]}"#, #"{"role":"assistant","content":""}"#),
        (
            #"{"role":"assistant","content":null,"refusal":"no"}"#,
            #"{"role":"assistant","content":"no"}"#
        ),
        (
            #"{"role":"assistant","content":"a","reasoning":"r"}"#,
            #"{"role":"assistant","content":"a","reasoning_content":"r"}"#
        ),
        (
            #"{"role":"tool","content":[{"type":"text","text":"4"}],"tool_call_id":"c"}"#,
            #"{"role":"tool","content":"4","tool_call_id":"c"}"#
        ),
    ])
    func `normalises messages for templates`(_ message: String, _ expected: String) throws {
        #expect(try parse(message) == JSONValue.parse(expected))
    }

    @Test(arguments: [
        (#""{\"a\": 1}""#, #"{"a":1}"#), (#"{"a":1}"#, #"{"a":1}"#), (#""""#, "{}"),
        ("null", "{}"), (#""no json""#, #""no json""#),
    ])
    func `hands tool-call arguments to the template as an object`(
        _ arguments: String,
        _ expected: String
    ) throws {
        let message = #"""
            {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
            "function":{"name":"f","arguments":\#(arguments)}}]}
            """#
        let function = try parse(message)["tool_calls"]?[0]?["function"]
        #expect(try function?["arguments"] == JSONValue.parse(expected))
    }

    @Test func `turns an older function call into a tool call`() throws {
        let message = try parse(
            #"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}"#
        )
        #expect(message["tool_calls"]?[0]?["function"]?["name"] == "f")
    }

    @Test(arguments: [
        (#"{"content":"a"}"#, "messages[0].role"),
        (#"{"role":"robot","content":"a"}"#, "messages[0].role"),
        (#"{"role":1,"content":"a"}"#, "messages[0].role"),
        (#"{"role":"user"}"#, "messages[0].content"),
        (#"{"role":"user","content":null}"#, "messages[0].content"),
        (#"{"role":"user","content":5}"#, "messages[0].content"),
        (#"{"role":"user","content":[{"type":"text"}]}"#, "messages[0].content[0].text"),
        (#"{"role":"user","content":[{"type":"alien"}]}"#, "messages[0].content[0].type"),
        (
            #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}"#,
            "messages[0].content[0]"
        ),
        (
            #"{"role":"assistant","tool_calls":[{"type":"function","function":{}}]}"#,
            "messages[0].tool_calls[0].function.name"
        ),
        (#""hello""#, "messages[0]"),
    ])
    func `refuses a wrong message and names the place`(_ message: String, _ parameter: String) {
        let error = #expect(throws: APIError.self) { try parse(message) }
        #expect(error?.status == 400)
        #expect(error?.parameter == parameter)
    }

    @Test func `refuses an empty conversation`() {
        let error = #expect(throws: APIError.self) {
            try ChatCompletionRequest.parse(["model": "m", "messages": []])
        }
        #expect(error?.parameter == "messages")
    }

    @Test func `refuses a request without a model`() {
        let error = #expect(throws: APIError.self) {
            try ChatCompletionRequest.parse(["messages": [["role": "user", "content": "a"]]])
        }
        #expect(error?.parameter == "model")
        #expect(error?.code == "missing_required_parameter")
    }

    @Test func `shows tools to the template unless the choice is none`() throws {
        let tools: JSONValue = [["type": "function", "function": ["name": "f"]]]
        #expect(try conversation(["tools": tools]).tools == tools)
        #expect(try conversation(["tools": tools, "tool_choice": "none"]).tools == nil)
        #expect(try conversation(["tools": tools, "tool_choice": "auto"]).tools == tools)
    }

    static let wrongTools: [(JSONValue, String)] = [
        ([["type": "custom", "custom": ["name": "f"]]], "tools[0].type"),
        ([["type": "function", "function": [:]]], "tools[0].function.name"),
        ([["type": "function"]], "tools[0].function"), ([5], "tools[0]"),
    ]

    @Test(arguments: wrongTools)
    func `refuses a wrong tool and names the place`(_ tools: JSONValue, _ parameter: String) {
        let error = #expect(throws: APIError.self) { try conversation(["tools": tools]) }
        #expect(error?.parameter == parameter)
    }

    private func parse(_ message: String) throws -> JSONValue {
        let body: JSONValue = ["model": "m", "messages": [try JSONValue.parse(message)]]
        let request = try ChatCompletionRequest.parse(body)
        return request.conversation.messages[0] ?? nil
    }

    private func conversation(_ members: JSONObject) throws -> ChatPrompt {
        var body: JSONObject = ["model": "m", "messages": [["role": "user", "content": "a"]]]
        for (key, value) in members.members { body[key] = value }
        let request = try ChatCompletionRequest.parse(.object(body))
        return request.conversation
    }
}
