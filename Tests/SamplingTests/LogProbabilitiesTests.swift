import Foundation
import Sampling
import TestSupport
import Testing

@Suite struct LogProbabilitiesTests {
    @Test(arguments: [1, 5, 16, 300, 5000])
    func `agree with a sum in double precision`(count: Int) throws {
        let logits = SamplerTests.logits(count, seed: UInt64(count), spread: 12)
        let maximum = Double(logits.max() ?? 0)
        let normalizer = maximum + log(logits.reduce(0) { $0 + exp(Double($1) - maximum) })
        let ranked = logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }
        let workspace = SamplingWorkspace(vocabularySize: count)
        for token in stride(from: 0, to: count, by: max(1, count / 7)) {
            let result = try logits.withUnsafeBufferPointer {
                try LogProbabilities(of: Int32(token), in: $0, topCount: 20, workspace: workspace)
            }
            #expect(abs(Double(result.token) - (Double(logits[token]) - normalizer)) < 2e-6)
            #expect(result.top.map { Int($0.token) } == Array(ranked.prefix(20)))
            #expect(result.top.allSatisfy { $0.logprob <= 0 })
        }
    }

    @Test func `equal alternatives come in the order of their ids`() throws {
        let logits: [Float] = [1, 3, 3, 2, 3, 2]
        let workspace = SamplingWorkspace(vocabularySize: logits.count)
        let result = try logits.withUnsafeBufferPointer {
            try LogProbabilities(of: 0, in: $0, topCount: 5, workspace: workspace)
        }
        #expect(result.top.map(\.token) == [1, 2, 4, 3, 5])
    }

    @Test func `logits that are not finite are an error`() {
        let logits: [Float] = [0, .nan]
        let workspace = SamplingWorkspace(vocabularySize: logits.count)
        #expect(throws: SamplingError.nonFiniteLogits) {
            try logits.withUnsafeBufferPointer {
                try LogProbabilities(of: 0, in: $0, topCount: 0, workspace: workspace)
            }
        }
    }
}
