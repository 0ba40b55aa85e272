import JSON
import Testing

@testable import Commands

@Suite struct ChatTests {
    @Test(
        arguments: [
            ("hello there", .message("hello there")),
            ("  ", .nothing),
            ("/bye", .leave),
            (" /exit ", .leave),
            ("/clear", .clear),
            ("/?", .help),
            ("/show system", .show("system")),
            ("/set system \"Be brief.\"", .setSystem("Be brief.")),
            ("/set system", .setSystem("")),
            ("/set parameter temperature 0.5", .setParameter(name: "temperature", value: "0.5")),
            ("/set seed 7", .setParameter(name: "seed", value: "7")),
            ("/set", .mistake("say what to set; /help shows the names")),
            ("/nope", .mistake("unknown command /nope; /help lists them")),
        ] as [(String, ChatInput)]
    )
    func `understands what is typed`(text: String, meaning: ChatInput) {
        #expect(ChatInput(text) == meaning)
    }

    @Test func `names the parameters there are`() {
        guard case .mistake(let text) = ChatInput("/set colour red") else {
            Issue.record("not a mistake")
            return
        }
        #expect(text.hasPrefix("unknown parameter colour; there are temperature, top_p"))
    }

    @Test func `checks the values of parameters`() {
        var parameters = ChatParameters()
        #expect(parameters.set("seed", to: "1.5") == "seed must be a whole number")
        #expect(parameters.set("temperature", to: "warm") == "temperature must be a number")
        #expect(parameters.set("temperature", to: "0") == nil)
        #expect(parameters.set("stop", to: "END") == nil)
        #expect(parameters.members == ["temperature": 0.0, "stop": "END"])
        #expect(parameters.set("stop", to: "") == nil)
        #expect(parameters.members == ["temperature": 0.0])
    }

    @Test func `sends the whole conversation with its settings`() {
        var conversation = Conversation(model: "tiny")
        conversation.system = "Be brief."
        _ = conversation.parameters.set("seed", to: "1")
        conversation.ask("one")
        conversation.answer("eins")
        conversation.ask("two")
        #expect(
            conversation.requestBody == [
                "model": "tiny",
                "messages": [
                    ["role": "system", "content": "Be brief."],
                    ["role": "user", "content": "one"],
                    ["role": "assistant", "content": "eins"],
                    ["role": "user", "content": "two"],
                ],
                "stream": true, "stream_options": ["include_usage": true], "seed": 1,
            ]
        )
        conversation.answer("")
        #expect(conversation.turns.count == 2)
        conversation.clear()
        #expect(conversation.turns.isEmpty)
    }

    @Test func `puts an answer together from chunks`() throws {
        var answer = ChatAnswer()
        #expect(try answer.receive("{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}") == "")
        #expect(try answer.receive("{\"choices\":[{\"delta\":{\"content\":\"Hal\"}}]}") == "Hal")
        #expect(
            try answer.receive(
                "{\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}],"
                    + "\"usage\":null}"
            ) == "lo"
        )
        let usage = "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}"
        #expect(try answer.receive(usage) == "")
        #expect(try answer.receive("[DONE]") == "")
        #expect(answer.text == "Hallo")
        #expect(answer.finishReason == "stop")
        #expect(answer.promptTokenCount == 3)
        #expect(answer.outputTokenCount == 2)
        #expect(answer.isDone)
    }

    @Test func `turns an error event into a failure with its message`() {
        var answer = ChatAnswer()
        #expect(throws: CommandFailure("the worker died")) {
            try answer.receive("{\"error\":{\"message\":\"the worker died\"}}")
        }
    }

    @Test(arguments: [("a b/c", "a%20b%2Fc"), ("tiny:latest", "tiny:latest"), ("ü", "%C3%BC")])
    func `escapes names for paths`(text: String, escaped: String) {
        #expect(URLPath.escape(text) == escaped)
    }
}
