import KVCache
import Kernels
import ModelFiles
import Sampling
import Scheduling
import TestSupport
import Testing
import Transformers
import WorkerProtocol

@testable import Inference

/// The same model, prompt, parameters and seed give the same bits, whatever else is going on and on
/// whatever machine.
///
/// One sequence is computed under every combination of others in the batch, threads, what the cache
/// holds, how prompts are cut, preemptions, guesses, and instruction sets; a hash over its tokens and
/// their log-probabilities is compared with one constant.
@Suite(.serialized, .timeLimit(.minutes(15)))
struct DeterminismMatrixTests {
    enum Circumstance: CaseIterable {
        /// Nothing is known before.
        case cold
        /// The same request was answered before.
        case repeated
        /// A request with the same beginning was answered before, so a block is copied.
        case forked
        /// Prompts are cut into the smallest chunks.
        case smallChunks
        /// Somebody else has the blocks first.
        case preempted
        /// Tokens are guessed, most of them wrongly.
        case guessed
    }

    #if DEBUG
    static let threadCounts = [2]
    static let othersCounts = [0, 6]
    #else
    static let threadCounts = [1, 2, 4]
    static let othersCounts = [0, 1, 2, 6, 15]
    #endif

    /// What the tiny model says to the prompt: changes only if the arithmetic does.
    static let golden: UInt64 = 12_772_304_168_377_157_582

    static let prompt: [Int32] = (0..<97).map { $0 % 5 == 0 ? 7 : Int32($0 * 31 % 250) }

    @Test(arguments: InstructionSet.supported)
    func `the result is one constant under all circumstances`(
        set: InstructionSet
    ) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("tiny.gguf")
        try TinyModel.write(architecture: "llama", types: [.q4_0, .q6_K], to: path)
        let file = try GGUFFile.open(path: path)
        for threadCount in Self.threadCounts {
            let pool = try KernelThreadPool(threadCount: threadCount, instructionSet: set)
            let transformer = try Transformer.load(file, pool: pool, contextLength: 512)
            for othersCount in Self.othersCounts {
                for circumstance in Circumstance.allCases {
                    let storage = try transformer.makeStorage(blockCount: 128)
                    let pass = TransformerPass(transformer: transformer, storage: storage)
                    await Task.yield()
                    let hash = try Self.hash(circumstance, othersCount, pass)
                    #expect(
                        hash == Self.golden,
                        "\(circumstance), \(othersCount) others, \(threadCount) threads"
                    )
                }
            }
        }
    }

    private static func hash(
        _ circumstance: Circumstance,
        _ othersCount: Int,
        _ pass: TransformerPass
    ) throws -> UInt64 {
        let harness = EngineHarness(
            pass: pass,
            tokenizer: try TinyTokenizer.make(),
            configuration: EngineConfiguration(
                contextLength: 512,
                blockCount: circumstance == .preempted ? 14 : 128,
                scheduler: SchedulerLimits(
                    interTokenTarget: circumstance == .smallChunks ? .zero : .milliseconds(60),
                    promptStepTarget: circumstance == .smallChunks ? .zero : .milliseconds(150),
                    minimumPromptTokenCount: circumstance == .smallChunks ? 8 : 16,
                    reservedOutputTokenCount: 1,
                    guessesTokens: circumstance == .guessed
                )
            )
        )
        prepare(harness, circumstance)
        let isFirst = circumstance == .preempted
        if isFirst { harness.submit(request(1, outputs: 32), prompt: prompt) }
        var random = SeededGenerator(seed: UInt64(othersCount))
        for other in 0..<UInt64(othersCount) {
            let own = (0..<random.int(in: 1...90)).map { _ in
                Int32.random(in: 0...200, using: &random)
            }
            let common = prompt.prefix(random.chance(0.5) ? random.int(in: 1...97) : 0)
            harness.submit(request(100 + other, outputs: 20), prompt: common + own)
            if other == 2 { harness.step() }
        }
        if !isFirst { harness.submit(request(1, outputs: 32), prompt: prompt) }
        harness.run()
        if circumstance == .preempted { #expect(harness.engine.status.preemptionTotal > 0) }
        let isReused = circumstance == .repeated || circumstance == .forked
        if isReused { #expect(harness.finish(1)?.usage.cachedTokenCount ?? 0 >= 77) }
        return hash(harness.logprobs(1))
    }

    /// What happens before the request.
    private static func prepare(_ harness: EngineHarness, _ circumstance: Circumstance) {
        switch circumstance {
        case .cold, .smallChunks, .guessed: break
        case .repeated:
            harness.submit(request(2, outputs: 32), prompt: prompt)
            harness.run()
        case .forked:
            harness.submit(request(2, outputs: 3), prompt: prompt.prefix(78) + [1, 2, 3])
            harness.run()
        case .preempted:
            // An older one grows until there are no blocks left.
            harness.submit(request(2, outputs: 400), prompt: [5, 6, 7])
            for _ in 0..<300 { harness.step() }
        }
    }

    private static func request(_ id: UInt64, outputs: Int) -> GenerationRequest {
        GenerationRequest(
            id: id,
            prompt: .tokens([]),
            sampling: SamplingParameters(
                temperature: 0.9,
                topP: 0.95,
                repetitionPenalty: 1.1,
                frequencyPenalty: 0.1,
                seed: 42
            ),
            maximumOutputTokens: outputs,
            ignoresEndOfGeneration: true,
            topLogprobCount: 3
        )
    }

    /// FNV-1a over tokens and bit patterns.
    private static func hash(_ logprobs: [TokenLogprob]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ value: UInt32) { hash = (hash ^ UInt64(value)) &* 0x100_0000_01B3 }
        for logprob in logprobs {
            mix(UInt32(bitPattern: logprob.token))
            mix(logprob.logprob?.bitPattern ?? 0)
            for alternative in logprob.top {
                mix(UInt32(bitPattern: alternative.token))
                mix(alternative.logprob.bitPattern)
            }
        }
        return hash
    }
}
