import TestSupport
import Testing

@testable import Sampling

@Suite struct SamplerTests {
    static func logits(_ count: Int, seed: UInt64, spread: Float = 4) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: -spread...spread, using: &random) }
    }

    static func draw(
        _ sampler: Sampler,
        _ logits: [Float],
        position: Int = 0
    ) throws -> Int32 {
        let workspace = SamplingWorkspace(vocabularySize: logits.count)
        return try logits.withUnsafeBufferPointer {
            try sampler.sample($0, position: position, workspace: workspace)
        }
    }

    @Test(arguments: [1, 2, 15, 16, 17, 255, 256, 257, 1000])
    func `greedy takes the largest logit, of equal ones the lowest id`(count: Int) throws {
        let sampler = Sampler(parameters: SamplingParameters(temperature: 0), seed: 0)
        var logits = [Float](repeating: -3, count: count)
        #expect(try Self.draw(sampler, logits) == 0)
        for index in stride(from: 0, to: count, by: 7) {
            logits[index] = Float(index)
            #expect(try Self.draw(sampler, logits) == Int32(index))
        }
        logits[count - 1] = 5000
        logits[count / 2] = 5000
        #expect(try Self.draw(sampler, logits) == Int32(count / 2))
    }

    @Test(arguments: [
        SamplingParameters(temperature: 0), SamplingParameters(),
        SamplingParameters(temperature: 2, topP: 0.9, topK: 12, minP: 0.05),
        SamplingParameters(repetitionPenalty: 1.3, presencePenalty: 0.5, logitBias: [3: 100]),
    ])
    func `only allowed tokens are drawn, with what is left of the distribution`(
        parameters: SamplingParameters
    ) throws {
        let logits = Self.logits(300, seed: 3)
        var random = SeededGenerator(seed: 4)
        for round in 0..<200 {
            // Words that are full, empty and mixed; the last tokens lie beyond the words.
            let words: [UInt64] = [
                round % 3 == 0 ? .max : random.next() & random.next(), 0, random.next() | 1,
            ]
            let sampler = Sampler(parameters: parameters, seed: UInt64(round))
            let workspace = SamplingWorkspace(vocabularySize: logits.count)
            let token = try logits.withUnsafeBufferPointer {
                try sampler.sample($0, position: 0, allowed: words, workspace: workspace)
            }
            #expect(token < 192 && words[Int(token) / 64] >> UInt64(token % 64) & 1 == 1)
            // The same as when the others were never likely.
            guard parameters.logitBias.isEmpty else { continue }
            let forbidden = logits.indices.map { index in
                let isAllowed = index < 192 && words[index / 64] >> UInt64(index % 64) & 1 == 1
                return isAllowed ? logits[index] : -1e30
            }
            #expect(try Self.draw(sampler, forbidden) == token)
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 5, 16, 39])
    func `a logit that is not finite is an error`(bad: Float, index: Int) {
        var logits = Self.logits(40, seed: 1)
        logits[index] = bad
        for temperature: Float in [0, 1] {
            let parameters = SamplingParameters(temperature: temperature)
            let sampler = Sampler(parameters: parameters, seed: 0)
            #expect(throws: SamplingError.nonFiniteLogits) { try Self.draw(sampler, logits) }
        }
    }

    @Test(arguments: [
        SamplingParameters(),
        SamplingParameters(temperature: 0.5),
        SamplingParameters(temperature: 2, topK: 5),
        SamplingParameters(topP: 0.7),
        SamplingParameters(minP: 0.1),
        SamplingParameters(temperature: 0.8, topP: 0.9, topK: 12, minP: 0.05),
        SamplingParameters(repetitionPenalty: 1.3, presencePenalty: 0.5, frequencyPenalty: 0.3),
        SamplingParameters(penaltyWindow: 0, logitBias: [3: 2, 7: -100, 11: 1.5]),
        SamplingParameters(typicalP: 0.6),
        SamplingParameters(temperature: 1.5, topP: 0.8, topK: 20, minP: 0.2, typicalP: 0.9),
        SamplingParameters(xtc: XTCParameters(probability: 0.5)),
        SamplingParameters(topP: 0.9, xtc: XTCParameters(probability: 1, threshold: 0.05)),
        SamplingParameters(dry: DRYParameters(multiplier: 0.8, allowedLength: 1)),
    ])
    func `draws follow the distribution of the plain rules`(
        parameters: SamplingParameters
    ) throws {
        let logits = Self.logits(40, seed: 7)
        let prompt: [Int32] = [1, 2, 3, 2]
        let output: [Int32] = [5, 5, 1, 30]
        var sampler = Sampler(parameters: parameters, seed: 99, prompt: prompt)
        for token in output { sampler.accept(token) }
        let plain = PlainSampler(parameters: parameters, prompt: prompt, output: output)
        let expected = plain.distribution(logits)

        let drawCount = 20_000
        var counts = [Int](repeating: 0, count: logits.count)
        let workspace = SamplingWorkspace(vocabularySize: logits.count)
        for position in 0..<drawCount {
            let token = try logits.withUnsafeBufferPointer {
                try sampler.sample($0, position: position, workspace: workspace)
            }
            counts[Int(token)] += 1
        }
        #expect(counts.indices.filter { counts[$0] > 0 && !expected.map(\.id).contains($0) } == [])
        var squares = 0.0
        for (id, probability) in expected where probability * Double(drawCount) > 5 {
            let mean = probability * Double(drawCount)
            squares += (Double(counts[id]) - mean) * (Double(counts[id]) - mean) / mean
        }
        // At most 39 degrees of freedom: 72.1 is exceeded once in a thousand seeds.
        #expect(squares < 72.1)
    }

    @Test func `a draw can be repeated and stays inside what the filters keep`() throws {
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let logits = Self.logits(random.int(in: 1...3000), seed: seed, spread: 6)
            let parameters = SamplingParameters(
                temperature: Float.random(in: 0.3...2, using: &random),
                topP: random.chance(0.5) ? Float.random(in: 0...1, using: &random) : 1,
                topK: random.chance(0.5) ? random.int(in: 0...100) : 0,
                minP: random.chance(0.3) ? Float.random(in: 0...0.3, using: &random) : 0,
                typicalP: random.chance(0.5) ? Float.random(in: 0...1, using: &random) : 1,
                xtc: XTCParameters(
                    probability: random.chance(0.5) ? Float.random(in: 0...1, using: &random) : 0,
                    threshold: Float.random(in: 0...0.3, using: &random)
                )
            )
            let sampler = Sampler(parameters: parameters, seed: seed)
            let token = try Self.draw(sampler, logits, position: 5)
            let kept = PlainSampler(parameters: parameters).distribution(logits)
            let again = try Self.draw(sampler, logits, position: 5)
            #expect(token == again)
            #expect(kept.contains { $0.id == Int(token) }, "seed \(seed)")
        }
    }

    /// Large vocabularies are narrowed down by their blocks' maxima first.
    @Test func `top-k of many tokens chooses what sorting all of them would`() throws {
        for seed in 0..<100 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let count = random.int(in: 2000...20_000)
            // Many are equal, in half of the rounds.
            let step: Float = random.chance(0.5) ? 0.5 : 0x1p-20
            let logits = Self.logits(count, seed: seed, spread: 8).map {
                ($0 / step).rounded() * step
            }
            let parameters = SamplingParameters(
                temperature: Float.random(in: 0.2...3, using: &random),
                topP: random.chance(0.5) ? Float.random(in: 0.5...1, using: &random) : 1,
                topK: random.int(in: 2...90),
                repetitionPenalty: random.chance(0.5) ? 1.2 : 1
            )
            let prompt = (0..<20).map { _ in Int32(random.int(in: 0...(count - 1))) }
            let sampler = Sampler(parameters: parameters, seed: seed, prompt: prompt)
            let kept = PlainSampler(parameters: parameters, prompt: prompt, output: [])
                .distribution(logits)
                .sorted { $0.id < $1.id }
            for position in 0..<10 {
                let token = try Self.draw(sampler, logits, position: position)
                let place = try #require(
                    kept.firstIndex { $0.id == Int(token) },
                    "seed \(seed)"
                )
                let below = kept[..<place].reduce(0) { $0 + $1.probability }
                let uniform = Philox.uniform(seed: seed, position: position)
                #expect(below - 1e-5 < uniform, "seed \(seed)")
                #expect(uniform < below + kept[place].probability + 1e-5, "seed \(seed)")
            }
        }
    }

    @Test func `penalties change the logits as documented`() throws {
        let logits: [Float] = [2, 1.9, -1, 0]
        func greedy(_ parameters: SamplingParameters, _ output: [Int32]) throws -> Int32 {
            var sampler = Sampler(parameters: parameters, seed: 0, prompt: [Int32]())
            for token in output { sampler.accept(token) }
            return try Self.draw(sampler, logits)
        }
        var parameters = SamplingParameters(temperature: 0, frequencyPenalty: 0.06)
        #expect(try greedy(parameters, [0]) == 0)
        #expect(try greedy(parameters, [0, 0]) == 1)
        parameters = SamplingParameters(temperature: 0, presencePenalty: 0.2)
        #expect(try greedy(parameters, [0]) == 1)
        parameters = SamplingParameters(temperature: 0, repetitionPenalty: 1.1)
        #expect(try greedy(parameters, [0]) == 1)
        parameters.penaltyWindow = 2
        #expect(try greedy(parameters, [0, 2, 3]) == 0)
        #expect(try greedy(parameters, [2, 0, 3]) == 1)
        #expect(try greedy(parameters, [2, 0, 0, 3]) == 1)
    }

    @Test func `ids outside the vocabulary in bias and history have no effect`() throws {
        let parameters = SamplingParameters(
            temperature: 0,
            repetitionPenalty: 2,
            logitBias: [99: 100, -1: 100]
        )
        let sampler = Sampler(parameters: parameters, seed: 0, prompt: [50, -7] as [Int32])
        #expect(try Self.draw(sampler, [0, 1, 0.5]) == 1)
    }
}
