import Glibc
import Sampling
import TestSupport
import Testing
import WorkerProtocol

@testable import Inference

/// Echoed prompts and log-probabilities.
@Suite struct EchoTests {
    static let size = Int(TinyTokenizer.endToken) + 1

    static func request(topLogprobCount: Int?, limit: Int, echo: Bool = true) -> GenerationRequest {
        GenerationRequest(
            id: 1,
            prompt: .tokens([]),
            sampling: SamplingParameters(temperature: 0),
            maximumOutputTokens: limit,
            topLogprobCount: topLogprobCount,
            echo: echo
        )
    }

    static func harness(blockCount: Int = 64) throws -> EngineHarness {
        EngineHarness(
            pass: FakePass.hashing(vocabularySize: size),
            tokenizer: try TinyTokenizer.make(),
            configuration: EngineConfiguration(contextLength: 512, blockCount: blockCount)
        )
    }

    /// What the model behind the harness thinks of each token of a text but the first.
    static func expectedLogprobs(_ tokens: [Int32]) -> [Double] {
        let pass = FakePass.hashing(vocabularySize: size)
        return tokens.indices.dropFirst().map { index in
            let logits = pass.logits(after: Array(tokens[..<index]))
            let sum = logits.reduce(0) { $0 + exp(Double($1)) }
            return Double(logits[Int(tokens[index])]) - log(sum)
        }
    }

    @Test(arguments: [1, 31, 32, 33, 100])
    func `the prompt's log-probabilities come first and once`(length: Int) throws {
        let prompt = (0..<length).map { Int32(97 + $0 % 26) }
        let harness = try Self.harness()
        harness.submit(Self.request(topLogprobCount: 2, limit: 3), prompt: prompt)
        harness.run()
        let logprobs = harness.logprobs(1)
        let usage = harness.finish(1)?.usage
        #expect(usage?.promptTokenCount == length)
        #expect(logprobs.prefix(length).map(\.token) == prompt)
        #expect(logprobs[0].logprob == nil)
        #expect(logprobs[0].top.isEmpty)
        let expected = Self.expectedLogprobs(logprobs.map(\.token))
        for (logprob, expected) in zip(logprobs.dropFirst(), expected) {
            #expect(abs(Double(logprob.logprob ?? 0) - expected) < 1e-5)
            #expect(logprob.top.count == 2)
        }
        #expect(harness.text(1).hasPrefix(String(decoding: prompt.map(UInt8.init), as: UTF8.self)))
    }

    @Test func `an echo without output ends after the prompt`() throws {
        let prompt: [Int32] = [97, 98, 99]
        for topLogprobCount in [nil, 0] as [Int?] {
            let harness = try Self.harness()
            harness.submit(
                Self.request(topLogprobCount: topLogprobCount, limit: 0),
                prompt: prompt
            )
            harness.run()
            #expect(harness.text(1) == "abc")
            #expect(harness.logprobs(1).count == (topLogprobCount == nil ? 0 : 3))
            #expect(harness.finish(1)?.reason == .length)
            #expect(harness.finish(1)?.usage.outputTokenCount == 0)
        }
    }

    @Test func `log-probabilities are the model's own, whatever the sampler does`() throws {
        let harness = try Self.harness()
        var request = Self.request(topLogprobCount: 20, limit: 5, echo: false)
        request.sampling = SamplingParameters(
            temperature: 0.3,
            topK: 4,
            presencePenalty: 2,
            logitBias: [50: 50],
            seed: 3
        )
        harness.submit(request, prompt: [97, 98])
        harness.run()
        let logprobs = harness.logprobs(1)
        #expect(logprobs.count == 5)
        let expected = Self.expectedLogprobs([97, 98] + logprobs.map(\.token)).dropFirst()
        for (logprob, expected) in zip(logprobs, expected) {
            #expect(abs(Double(logprob.logprob ?? 0) - expected) < 1e-5)
            #expect(logprob.top.count == 20)
            let pairs = zip(logprob.top, logprob.top.dropFirst())
            #expect(pairs.allSatisfy { $0.logprob >= $1.logprob })
        }
    }

    @Test func `a preempted echo is not repeated`() throws {
        let harness = try Self.harness(blockCount: 16)
        var first = Self.request(topLogprobCount: 0, limit: 300)
        first.ignoresEndOfGeneration = true
        harness.submit(first, prompt: Array(repeating: 97, count: 20))
        var second = first
        second.id = 2
        harness.submit(second, prompt: Array(repeating: 98, count: 200))
        harness.run()
        #expect(harness.engine.status.preemptionTotal > 0)
        for (id, count) in [(1 as UInt64, 320), (2, 500)] {
            #expect(harness.logprobs(id).count == count)
            #expect(harness.logprobs(id).count { $0.logprob == nil } == 1)
        }
    }
}
