import CKernels
import TestSupport
import Testing

@Suite struct SamplingKernelsTests {
    @Test(arguments: [1, 15, 16, 255, 256, 1000, 4099])
    func `every instruction set computes the same bits`(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        let logits = (0..<count).map { _ in Float.random(in: -60...30, using: &random) }
        var expected: (sum: Double, weights: [Float], blocks: [Double])?
        for isa in [TORII_ISA_SCALAR, TORII_ISA_AVX2, TORII_ISA_AVX512]
        where torii_isa_supported(isa) {
            let kernels = try #require(torii_sampling_for(isa)).pointee
            var copy = [Float](repeating: 0, count: count)
            var maxima = [Float](repeating: 0, count: (count + 255) / 256)
            let summary = kernels.summarize(logits, Int32(count), &copy, &maxima)
            #expect(copy == logits)
            #expect(
                maxima
                    == stride(from: 0, to: count, by: 256).map {
                        logits[$0..<min($0 + 256, count)].max()
                    }
            )
            #expect(summary.is_finite)
            #expect(summary.maximum == logits.max())
            #expect(logits.firstIndex(of: summary.maximum) == Int(summary.maximum_index))
            let sum = kernels.exponential_sum(logits, Int32(count), summary.maximum)
            var weights = [Float](repeating: -1, count: count)
            var blocks = [Double](repeating: -1, count: (count + 255) / 256)
            kernels.to_weights(logits, Int32(count), summary.maximum, 0.7, &weights, &blocks)
            if let expected {
                #expect(sum == expected.sum)
                #expect(weights == expected.weights)
                #expect(blocks == expected.blocks)
            }
            expected = (sum, weights, blocks)
        }
    }
}
