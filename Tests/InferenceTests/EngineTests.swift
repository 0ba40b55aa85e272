import Sampling
import Scheduling
import Testing
import WorkerProtocol

@testable import Inference

@Suite struct EngineTests {
    static let greedy = SamplingParameters(temperature: 0)
    static let prompt: [Int32] = [104, 105, 33]

    /// An engine whose model says `text` and then the end-of-generation token.
    static func harness(
        saying text: String,
        configuration: EngineConfiguration = EngineConfiguration(contextLength: 64, blockCount: 8)
    ) throws -> EngineHarness {
        let tokens = text.utf8.map { Int32($0) } + [TinyTokenizer.endToken]
        return EngineHarness(
            pass: FakePass.saying(tokens, after: prompt.count),
            tokenizer: try TinyTokenizer.make(),
            configuration: configuration
        )
    }

    static func request(_ id: UInt64 = 1, maximumOutputTokens: Int? = nil) -> GenerationRequest {
        GenerationRequest(
            id: id,
            prompt: .tokens([]),
            sampling: greedy,
            maximumOutputTokens: maximumOutputTokens
        )
    }

    @Test func `an answer ends at the end-of-generation token`() throws {
        let harness = try Self.harness(saying: "ok, gut")
        harness.submit(Self.request(), prompt: Self.prompt)
        harness.run()
        guard case .accepted? = harness.events[1]?.first else {
            Issue.record("a generation is accepted first")
            return
        }
        #expect(harness.events[1]?[1] == .started(promptTokenCount: 3, cachedTokenCount: 0))
        #expect(harness.text(1) == "ok, gut")
        let end = harness.finish(1)
        #expect(end?.reason == .stop)
        #expect(end?.usage.promptTokenCount == 3)
        #expect(end?.usage.outputTokenCount == 8)
        #expect(end?.usage.prefillDuration == .milliseconds(1))
        #expect(end?.usage.decodeDuration == .milliseconds(7))
        #expect(harness.engine.isIdle)
        #expect(harness.engine.status.kvBlocksInUse == 0)
        #expect(harness.engine.status.outputTokenTotal == 8)
        // A tick of the clock for each step.
        #expect(harness.engine.status.stepTotal == 8)
        #expect(harness.engine.status.busyNanosecondTotal == 8_000_000)
    }

    @Test func `counts what the prefix cache was asked for, and what it had`() throws {
        let harness = try Self.harness(saying: "ok")
        let prompt = Array(repeating: Self.prompt[0], count: 40)
        for id: UInt64 in 1...2 {
            harness.submit(Self.request(id), prompt: prompt)
            harness.run()
        }
        let status = harness.engine.status
        #expect(status.lookedUpTokenTotal == 80 && (32..<40).contains(status.cachedTokenTotal))
        #expect(status.promptTokenTotal + status.cachedTokenTotal == 80)
        #expect(harness.finish(2)?.usage.cachedTokenCount == status.cachedTokenTotal)
    }

    @Test func `the end-of-generation token can be ignored`() throws {
        let harness = try Self.harness(saying: "ab")
        var request = Self.request(maximumOutputTokens: 5)
        request.ignoresEndOfGeneration = true
        harness.submit(request, prompt: Self.prompt)
        harness.run()
        #expect(harness.finish(1)?.reason == .length)
        #expect(harness.finish(1)?.usage.outputTokenCount == 5)
        #expect(harness.text(1).hasPrefix("ab"))
        #expect(!harness.text(1).contains("im_end"))
    }

    @Test(arguments: [0, 3, 6])
    func `an answer has so many tokens before it may end`(minimum: Int) throws {
        let harness = try Self.harness(saying: "ab")
        var request = Self.request(maximumOutputTokens: 6)
        request.minimumOutputTokens = minimum
        harness.submit(request, prompt: Self.prompt)
        harness.run()
        let usage = harness.finish(1)?.usage
        #expect((usage?.outputTokenCount ?? 0) >= max(minimum, 3))
        #expect(minimum > 0 || harness.text(1) == "ab")
        #expect(harness.text(1).hasPrefix("ab"))
    }

    @Test(arguments: [1, 2, 3])
    func `the output limit is exact`(limit: Int) throws {
        let harness = try Self.harness(saying: "abcdef")
        harness.submit(Self.request(maximumOutputTokens: limit), prompt: Self.prompt)
        harness.run()
        #expect(harness.text(1) == String("abcdef".prefix(limit)))
        #expect(harness.finish(1)?.reason == .length)
        #expect(harness.finish(1)?.usage.outputTokenCount == limit)
    }

    @Test func `an end at the limit is a stop`() throws {
        let harness = try Self.harness(saying: "ab")
        harness.submit(Self.request(maximumOutputTokens: 3), prompt: Self.prompt)
        harness.run()
        #expect(harness.finish(1)?.reason == .stop)
    }

    @Test func `the context length ends an answer and refuses a prompt that fills it`() throws {
        let text = String(repeating: "x", count: 100)
        let harness = try Self.harness(saying: text)
        harness.submit(Self.request(maximumOutputTokens: 1000), prompt: Self.prompt)
        harness.submit(Self.request(2), prompt: Array(repeating: 5, count: 64))
        harness.submit(Self.request(3), prompt: Array(repeating: 5, count: 63))
        harness.run()
        #expect(harness.finish(1)?.reason == .length)
        #expect(harness.finish(1)?.usage.outputTokenCount == 61)
        #expect(
            harness.failure(2)
                == .contextLengthExceeded(promptTokenCount: 64, contextLength: 64)
        )
        #expect(harness.finish(3)?.usage.outputTokenCount == 1)
    }

    @Test func `a stop string over several tokens is left out of the answer`() throws {
        let harness = try Self.harness(saying: "one END two")
        var request = Self.request()
        request.stopStrings = ["END", "never"]
        harness.submit(request, prompt: Self.prompt)
        harness.run()
        #expect(harness.text(1) == "one ")
        #expect(harness.finish(1)?.reason == .stop)
        #expect(harness.finish(1)?.usage.outputTokenCount == 7)
    }

    @Test func `text held back for a stop string comes at the end`() throws {
        let harness = try Self.harness(saying: "one EN")
        var request = Self.request()
        request.stopStrings = ["END"]
        harness.submit(request, prompt: Self.prompt)
        harness.run()
        #expect(harness.text(1) == "one EN")
    }

    @Test func `a cancelled generation ends between two steps`() throws {
        let harness = try Self.harness(saying: "abcdefgh")
        harness.submit(Self.request(1), prompt: Self.prompt)
        harness.step()
        harness.step()
        harness.submit(Self.request(2), prompt: Self.prompt)
        harness.cancel(2)
        harness.cancel(1)
        harness.cancel(99)
        #expect(harness.text(1) == "ab")
        #expect(harness.finish(1)?.reason == .cancelled)
        #expect(harness.finish(1)?.usage.outputTokenCount == 2)
        #expect(harness.finish(2)?.reason == .cancelled)
        #expect(harness.engine.isIdle)
        #expect(!harness.step())
    }

    @Test func `logits that are no numbers end their sequence only`() throws {
        let vocabularySize = TinyTokenizer.endToken + 1
        let pass = FakePass(vocabularySize: Int(vocabularySize)) { tokens in
            var logits = [Float](repeating: 0, count: Int(vocabularySize))
            logits[5] = tokens[0] == 7 && tokens.count > 4 ? .nan : 1
            return logits
        }
        let harness = EngineHarness(pass: pass, tokenizer: try TinyTokenizer.make())
        harness.submit(Self.request(1, maximumOutputTokens: 6), prompt: [7, 7, 7])
        harness.submit(Self.request(2, maximumOutputTokens: 6), prompt: [8, 8, 8])
        harness.run()
        #expect(harness.failure(1) == .nonFiniteLogits)
        #expect(harness.finish(2)?.reason == .length)
    }

    @Test func `wrong requests are refused with their parameter`() throws {
        let harness = try Self.harness(saying: "x")
        func expectRefusal(
            _ parameter: String,
            prompt: [Int32] = EngineTests.prompt,
            _ change: (inout GenerationRequest) -> Void
        ) {
            var request = Self.request(UInt64(harness.events.count) + 10)
            change(&request)
            harness.submit(request, prompt: prompt)
            #expect(harness.failure(request.id) == .invalidRequest(parameter: parameter))
        }
        expectRefusal("prompt", prompt: []) { _ in }
        expectRefusal("prompt", prompt: [1, 9999]) { _ in }
        expectRefusal("prompt", prompt: [-1]) { _ in }
        expectRefusal("temperature") { $0.sampling.temperature = .nan }
        expectRefusal("logit_bias") { $0.sampling.logitBias = [9999: 1] }
        expectRefusal("stop") { $0.stopStrings = [""] }
        expectRefusal("stop") { $0.stopStrings = Array(repeating: "x", count: 17) }
        expectRefusal("stop") { $0.stopStrings = [String(repeating: "x", count: 1025)] }
        expectRefusal("top_logprobs") { $0.topLogprobCount = 21 }
        #expect(harness.engine.isIdle)
    }

    @Test func `a full queue rejects as overloaded`() throws {
        let harness = try Self.harness(
            saying: "x",
            configuration: EngineConfiguration(
                contextLength: 64,
                blockCount: 8,
                scheduler: SchedulerLimits(queue: QueueLimits(requestCount: 2))
            )
        )
        for id in 1...3 as ClosedRange<UInt64> {
            harness.submit(Self.request(id), prompt: Self.prompt)
        }
        guard case .overloaded(let state)? = harness.failure(3) else {
            Issue.record("the third is one too many")
            return
        }
        #expect(state.requestLimit == 2 && state.remainingRequestCount == 0)
        #expect(state.drainDuration > .zero)
        harness.run()
        #expect(harness.text(1) == "x")
        #expect(harness.text(2) == "x")
    }
}
