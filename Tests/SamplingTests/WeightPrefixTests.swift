import CKernels
import Foundation
import TestSupport
import Testing

@testable import Sampling

@Suite struct WeightPrefixTests {
    /// Weights with many equal values, zeros and tiny numbers.
    static func fill(_ workspace: SamplingWorkspace, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let kind = random.int(in: 0...3)
        for index in 0..<workspace.vocabularySize {
            workspace.weights[index] =
                switch kind {
                case 0: Float(random.int(in: 0...8)) / 8
                case 1: Float.random(in: 0...1, using: &random)
                case 2: exp(-Float.random(in: 0...80, using: &random))
                default: 0.25
                }
        }
        workspace.weights[random.int(in: 0...(workspace.vocabularySize - 1))] = 1
    }

    static func members(_ prefix: WeightPrefix, _ workspace: SamplingWorkspace) -> [Int32] {
        let count = torii_weights_gather(
            workspace.weights.baseAddress,
            Int32(workspace.vocabularySize),
            prefix.cut,
            prefix.tieCount,
            workspace.indices.baseAddress,
            Int32(workspace.vocabularySize)
        )
        return Array(workspace.indices.prefix(Int(count)))
    }

    @Test func `keeps what sorting everything would keep`() {
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededGenerator(seed: seed ^ 0xABCD)
            let size = random.int(in: 1...700)
            let workspace = SamplingWorkspace(vocabularySize: size)
            Self.fill(workspace, seed: seed)
            let ranked = (0..<size).sorted {
                (workspace.weights[$1], $0) < (workspace.weights[$0], $1)
            }

            let wanted = random.int(in: 1...size)
            let byCount = WeightPrefix.reaching(.count(wanted), in: workspace)
            let expected = ranked.prefix(wanted).map(Int32.init).sorted()
            #expect(Self.members(byCount.prefix, workspace) == expected, "seed \(seed)")
            let mass = expected.reduce(0.0) { $0 + Double(workspace.weights[Int($1)]) }
            #expect(abs(byCount.mass - mass) <= 1e-9 * mass)

            let total = workspace.weights.reduce(0.0) { $0 + Double($1) }
            // Between two sums, so that rounding cannot decide.
            let goal = total * Double.random(in: 0...0.999, using: &random)
            var sum = 0.0
            var count = 0
            while count < size, count == 0 || sum < goal {
                sum += Double(workspace.weights[ranked[count]])
                count += 1
            }
            guard abs(sum - goal) > 1e-9 else { continue }
            let floor = Float((total - goal) / Double(size) * 0.99)
            let byMass = WeightPrefix.reaching(.mass(goal), floor: floor, in: workspace)
            #expect(
                Self.members(byMass.prefix, workspace)
                    == ranked.prefix(count).map(Int32.init).sorted(),
                "seed \(seed)"
            )
        }
    }

    @Test func `a goal beyond everything keeps everything`() {
        let workspace = SamplingWorkspace(vocabularySize: 100)
        Self.fill(workspace, seed: 3)
        for goal in [WeightPrefix.Goal.count(1000), .mass(1e9)] {
            let prefix = WeightPrefix.reaching(goal, in: workspace).prefix
            #expect(Self.members(prefix, workspace).count == 100)
        }
    }

    @Test func `the shorter prefix is the one with the higher cut or fewer ties`() {
        let long = WeightPrefix(cut: 0.5, tieCount: 3)
        #expect(WeightPrefix.shortest(long, WeightPrefix(cut: 0.6, tieCount: 9)).cut == 0.6)
        #expect(WeightPrefix.shortest(long, WeightPrefix(cut: 0.5, tieCount: 2)).tieCount == 2)
        #expect(WeightPrefix.shortest(.all, long) == long)
    }

    @Test func `weights are exact to the last bits of a float`() {
        var logits: [Float] = [0]
        for step in 1..<40_000 { logits.append(-Float(step) * 0.0025) }
        let workspace = SamplingWorkspace(vocabularySize: logits.count)
        workspace.kernels.to_weights(
            logits,
            Int32(logits.count),
            0,
            1,
            workspace.weights.baseAddress,
            workspace.blockSums.baseAddress
        )
        var worst = 0.0
        for (logit, weight) in zip(logits, workspace.weights) where logit >= -87 {
            let exact = exp(Double(logit))
            worst = max(worst, abs(Double(weight) - exact) / exact)
        }
        #expect(worst < 0x1p-22)
        #expect(workspace.weights[logits.count - 1] == 0)
        #expect(workspace.weights[0] == 1)
    }
}
