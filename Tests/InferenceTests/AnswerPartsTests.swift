import ChatTemplates
import Sampling
import Testing
import Tokenizers
import WorkerProtocol

@testable import Inference

/// Answers with reasoning and calls, from tokens to events.
@Suite struct AnswerPartsTests {
    static let syntax = AnswerSyntax(
        reasoning: ReasoningSyntax(start: "<think>", end: "</think>"),
        toolCalls: .hermes
    )

    /// What a model says, its events joined, and how it ended.
    struct Said: Equatable {
        var content = ""
        var reasoning = ""
        var calls: [String] = []
        var tokens: [Int32] = []
        var reason: FinishReason?
        var usage: GenerationUsage?

        init(_ events: [GenerationEvent]) {
            for event in events {
                switch event {
                case .delta(let text, let logprobs):
                    content += text
                    tokens += logprobs.map(\.token)
                case .reasoning(let text): reasoning += text
                case .toolCall(_, let name): calls.append(name)
                case .toolArguments(let index, let text): calls[index] += text
                case .finished(let reason, let usage):
                    self.reason = reason
                    self.usage = usage
                case .accepted, .queued, .started, .embedded, .failed: break
                }
            }
        }
    }

    private func say(
        _ text: String,
        parser: AnswerParser = AnswerParser(syntax),
        stop: [String] = [],
        limit: Int = 500,
        topLogprobCount: Int? = nil,
        budget: Int? = nil
    ) throws -> Said {
        let tokenizer = try TinyTokenizer.make()
        let spoken = text.utf8.map { Int32($0) } + [TinyTokenizer.endToken]
        let harness = EngineHarness(
            pass: FakePass.saying(spoken, after: 2),
            tokenizer: tokenizer
        )
        let request = GenerationRequest(
            id: 1,
            prompt: .tokens([]),
            sampling: SamplingParameters(temperature: 0),
            maximumOutputTokens: limit,
            stopStrings: stop,
            topLogprobCount: topLogprobCount
        )
        let plan = AnswerPlan(
            parser: parser,
            reasoningBudget: budget,
            reasoningEnd: "</think>".utf8.map { Int32($0) }
        )
        harness.submit(request, prompt: [65, 66], answer: plan)
        harness.run()
        return Said(harness.events[1] ?? [])
    }

    @Test func `tells reasoning, text and calls apart`() throws {
        let said = try say(
            #"<think>hm</think>Ok <tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>"#
        )
        #expect(said.reasoning == "hm" && said.content == "Ok" && said.calls == [#"f{"a": 1}"#])
        #expect(said.reason == .toolCalls)
        #expect(said.usage?.reasoningTokenCount == 10)
    }

    @Test func `says length when the limit cuts a call`() throws {
        let said = try say(
            #"<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>"#,
            limit: 44
        )
        #expect(said.reason == .length)
        #expect(said.calls == [#"f{"a": "#] && said.content == "")
    }

    @Test func `ends after the only call that is allowed`() throws {
        let call = #"<tool_call>{"name": "f"}</tool_call>"#
        let said = try say(
            call + call,
            parser: AnswerParser(Self.syntax, maximumCallCount: 1)
        )
        #expect(said.calls == ["f{}"] && said.reason == .toolCalls)
        #expect(said.usage?.outputTokenCount == 24)
    }

    @Test func `looks for stop strings in the text only`() throws {
        let said = try say(
            #"<think>a stop b</think>Yes<tool_call>{"name": "stop"}</tool_call>no stop more"#,
            stop: ["stop"]
        )
        #expect(said.reasoning == "a stop b" && said.calls == ["stop{}"])
        #expect(said.content == "Yesno ")
    }

    @Test func `a stop string does not reach across a call`() throws {
        let said = try say(#"st<tool_call>{"name": "f"}</tool_call>op"#, stop: ["stop"])
        #expect(said.content == "stop" && said.calls == ["f{}"])
    }

    @Test func `reports the log-probabilities of the text and of nothing else`() throws {
        let said = try say(
            #"<think>h</think>A€ <tool_call>{"name": "f"}</tool_call>B"#,
            topLogprobCount: 0
        )
        #expect(said.content == "A€B")
        #expect(said.tokens == "A€B".utf8.map { Int32($0) })
    }

    @Test func `ends reasoning that has used up its budget`() throws {
        let said = try say(
            "0123456789",
            parser: AnswerParser(Self.syntax, startsInReasoning: true),
            limit: 12,
            budget: 4
        )
        // What the model would have said in the meantime it never says: it goes on from there.
        #expect(said.reasoning == "0123" && said.content == "")
        #expect(said.usage?.reasoningTokenCount == 12)
        let none = try say(
            "0123456789abc",
            parser: AnswerParser(Self.syntax, startsInReasoning: true),
            limit: 13,
            budget: 0
        )
        #expect(none.reasoning == "" && none.content == "89abc")
    }

    @Test func `leaves reasoning within its budget alone`() throws {
        let said = try say("<think>hm</think>Ok", budget: 40)
        #expect(said.reasoning == "hm" && said.content == "Ok" && said.reason == .stop)
    }

    @Test func `never shows control tokens`() throws {
        let tokenizer = try TinyTokenizer.make()
        let control = Int32(tokenizer.vocabularySize - 2)
        var output = OutputAssembler(
            tokenizer: tokenizer,
            stopStrings: [],
            parser: AnswerParser(AnswerSyntax(silentMarkers: ["x"]))
        )
        for token in [97, control, 98] { _ = output.append(token, logprob: nil) }
        output.finish(isCut: false)
        #expect(Said(output.takeDeltas()).content == "ab")
    }
}
