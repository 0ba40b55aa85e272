import Foundation
import Glibc
import Sampling
import TestSupport

/// Chooses tokens from logits that look like a model's: most far below a few.
struct SamplingBenchmark {
    /// A rule by its name in the output.
    static let rules: [(name: String, parameters: SamplingParameters)] = [
        ("greedy", SamplingParameters(temperature: 0)),
        ("temperature", SamplingParameters(temperature: 0.8)),
        (
            "everything",
            SamplingParameters(
                temperature: 0.8,
                topP: 0.95,
                topK: 40,
                minP: 0.05,
                repetitionPenalty: 1.1,
                presencePenalty: 0.1,
                frequencyPenalty: 0.1
            )
        ),
    ]

    private let logits: [Float]
    private let workspace: SamplingWorkspace
    private static let runCount = 200

    init(vocabularySize: Int) {
        var random = SeededGenerator(seed: 3)
        logits = (0..<vocabularySize).map { _ in
            // The sum of uniform numbers, nearly normal; its largest are the likely tokens.
            (0..<4).reduce(0) { sum, _ in sum + Float.random(in: -3...3, using: &random) }
        }
        workspace = SamplingWorkspace(vocabularySize: vocabularySize)
    }

    /// Processor seconds of one choice behind 512 tokens; median of the runs.
    func medianSeconds(_ parameters: SamplingParameters) throws -> Double {
        let prompt = (0..<512).map { Int32($0 * 37 % logits.count) }
        var sampler = Sampler(parameters: parameters, seed: 1, prompt: prompt)
        let seconds = try logits.withUnsafeBufferPointer { logits in
            try (0..<Self.runCount).map { run in
                let start = threadSeconds()
                let token = try sampler.sample(logits, position: 512 + run, workspace: workspace)
                let end = threadSeconds()
                sampler.accept(token)
                return end - start
            }
        }
        return seconds.sorted()[Self.runCount / 2]
    }
}

/// The time that the calling thread ran.
func threadSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
