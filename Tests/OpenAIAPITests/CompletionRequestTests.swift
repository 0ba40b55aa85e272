import JSON
import OpenAIAPI
import Testing
import WorkerProtocol

@Suite struct CompletionRequestTests {
    @Test(arguments: [
        ("\"a\"", [Prompt.text("a")]), (#"["a","b"]"#, [.text("a"), .text("b")]),
        ("[1,2]", [.tokens([1, 2])]), ("[[1],[2,3]]", [.tokens([1]), .tokens([2, 3])]),
        ("\"\"", [.text("")]),
    ])
    func `reads every form of prompt`(_ prompt: String, _ expected: [Prompt]) throws {
        #expect(try parse("\"prompt\":\(prompt)").prompts == expected)
    }

    @Test(arguments: [
        ("\"x\":1", "prompt"), ("\"prompt\":null", "prompt"), ("\"prompt\":[]", "prompt"),
        ("\"prompt\":[[]]", "prompt[0]"), ("\"prompt\":[-1]", "prompt[0]"),
        ("\"prompt\":[1,\"a\"]", "prompt[1]"), ("\"prompt\":[\"a\",1]", "prompt[1]"),
        ("\"prompt\":[2147483648]", "prompt[0]"), ("\"prompt\":{}", "prompt"),
        ("\"prompt\":\"a\",\"logprobs\":6", "logprobs"),
        ("\"prompt\":\"a\",\"suffix\":1", "suffix"),
        ("\"prompt\":\"a\",\"suffix\":\"b\",\"echo\":true", "echo"),
        ("\"prompt\":[1],\"suffix\":\"b\"", "prompt"),
        ("\"prompt\":\"a\",\"n\":3,\"best_of\":2", "best_of"),
        ("\"prompt\":\"a\",\"best_of\":21", "best_of"),
        ("\"prompt\":\"a\",\"best_of\":2,\"stream\":true", "best_of"),
    ])
    func `refuses a wrong request and names the place`(_ members: String, _ parameter: String) {
        let error = #expect(throws: APIError.self) { try parse(members) }
        #expect(error?.status == 400)
        #expect(error?.parameter == parameter)
    }

    @Test func `takes a suffix as the other side of a gap`() throws {
        let request = try parse(#""prompt":["a","b"],"suffix":"c""#)
        #expect(request.prompts == [.gap(before: "a", after: "c"), .gap(before: "b", after: "c")])
        #expect(try parse(#""prompt":"a","suffix":"""#).prompts == [.text("a")])
    }

    @Test func `generates sixteen tokens by default and none if asked to`() throws {
        #expect(try parse(#""prompt":"a""#).options.maximumOutputTokens == 16)
        #expect(try parse(#""prompt":"a","max_tokens":0"#).options.maximumOutputTokens == 0)
    }

    @Test func `orders the generations by prompt, then by choice`() throws {
        let request = try parse(#""prompt":["a","b"],"n":2,"best_of":2,"echo":true,"logprobs":0"#)
        let generations = request.generations()
        #expect(generations.map(\.prompt) == [.text("a"), .text("a"), .text("b"), .text("b")])
        #expect(generations.allSatisfy { $0.echo && $0.topLogprobCount == 0 })
    }

    @Test func `generates more answers than it returns, with what ranks them`() throws {
        let request = try parse(#""prompt":["a","b"],"n":2,"best_of":5"#)
        let generations = request.generations()
        #expect(generations.count == 10 && generations.allSatisfy { $0.topLogprobCount == 0 })
        #expect(request.bestChoices == BestChoices(generatedCount: 5, keptCount: 2))
        #expect(request.topLogprobCount == nil)
        let plain = try parse(#""prompt":"a","n":2,"best_of":2,"stream":true"#)
        #expect(plain.bestChoices == nil && plain.generations()[0].topLogprobCount == nil)
    }

    @Test func `keeps the answers with the highest log-probability per token`() {
        let best = BestChoices(generatedCount: 3, keptCount: 2)
        #expect(best.positions(scores: [-3, -1, -2, -1, -1, -5]) == [1, 2, 3, 4])
        let none = -Double.infinity
        #expect(best.positions(scores: [none, -9, none]) == [1, 0])
    }

    @Test func `scores an answer without its echoed prompt and without regard to its length`() {
        func tokens(_ logprobs: [Float?]) -> [TokenLogprob] {
            logprobs.map { TokenLogprob(token: 1, bytes: [], logprob: $0) }
        }
        #expect(BestChoices.score(tokens([-1, -2, -3]), echoedCount: 0) == -2)
        #expect(BestChoices.score(tokens([nil, -9, -1]), echoedCount: 2) == -1)
        #expect(BestChoices.score(tokens([nil, -9]), echoedCount: 2) == -.infinity)
    }

    private func parse(_ members: String) throws -> CompletionRequest {
        try CompletionRequest.parse(try JSONValue.parse("{\"model\":\"m\",\(members)}"))
    }
}
