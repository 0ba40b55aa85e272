import Sampling
import Scheduling
import TestSupport
import Testing
import WorkerProtocol

@testable import Inference

/// A result depends on the model, the prompt, the parameters and the seed, and on nothing else.
@Suite struct EngineDeterminismTests {
    struct Load {
        var others: Int
        var limits: SchedulerLimits
        var blockCount: Int
    }

    static let loads = [
        Load(others: 0, limits: SchedulerLimits(), blockCount: 64),
        Load(others: 8, limits: SchedulerLimits(), blockCount: 256),
        Load(others: 8, limits: SchedulerLimits(stepTokenCount: 16), blockCount: 256),
        Load(
            others: 8,
            limits: SchedulerLimits(
                interTokenTarget: .zero,
                minimumPromptTokenCount: 3,
                runningCount: 3,
                guessesTokens: true
            ),
            blockCount: 256
        ),
        // Blocks for little more than one sequence: preemptions.
        Load(others: 8, limits: SchedulerLimits(reservedOutputTokenCount: 1), blockCount: 12),
    ]

    static func request(_ id: UInt64, seed: UInt64) -> GenerationRequest {
        GenerationRequest(
            id: id,
            prompt: .tokens([]),
            sampling: SamplingParameters(
                temperature: 0.9,
                topP: 0.95,
                repetitionPenalty: 1.1,
                frequencyPenalty: 0.1,
                seed: seed
            ),
            maximumOutputTokens: 60,
            ignoresEndOfGeneration: true,
            topLogprobCount: 1
        )
    }

    static func run(
        _ load: Load,
        on pass: any ForwardPass = FakePass.hashing(vocabularySize: EchoTests.size)
    ) throws -> (logprobs: [TokenLogprob], preemptions: Int) {
        let harness = EngineHarness(
            pass: pass,
            tokenizer: try TinyTokenizer.make(),
            configuration: EngineConfiguration(
                contextLength: 300,
                blockCount: load.blockCount,
                scheduler: load.limits
            )
        )
        var random = SeededGenerator(seed: 1)
        for other in 0..<UInt64(load.others) {
            if other == 4 { harness.step() }
            let length = Int.random(in: 1...200, using: &random)
            let prompt = (0..<length).map { _ in Int32.random(in: 0...200, using: &random) }
            harness.submit(request(100 + other, seed: other), prompt: prompt)
        }
        harness.submit(request(1, seed: 42), prompt: (0..<150).map { Int32($0) })
        for other in 0..<UInt64(load.others) {
            harness.submit(request(200 + other, seed: other), prompt: [Int32(other)])
        }
        harness.run()
        #expect(harness.finish(1)?.usage.outputTokenCount == 60)
        return (harness.logprobs(1), harness.engine.status.preemptionTotal)
    }

    @Test func `a sequence is the same alone, among others, in chunks and preempted`() throws {
        let alone = try Self.run(Self.loads[0]).logprobs
        #expect(alone.count == 60)
        for load in Self.loads.dropFirst() {
            #expect(try Self.run(load).logprobs == alone)
        }
        #expect(try Self.run(Self.loads[4]).preemptions > 0)
    }
}
