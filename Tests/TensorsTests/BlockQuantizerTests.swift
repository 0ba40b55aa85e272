import Glibc
import Tensors
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct BlockQuantizerTests {
    private static func restored(_ values: [Float], _ type: TensorType) throws -> [Float] {
        let bytes = BlockQuantizer.quantize(values, type: type)
        #expect(bytes.count == type.rowByteCount(elementCount: values.count))
        var result = [Float](repeating: 0, count: values.count)
        try bytes.withUnsafeBytes { raw in
            try result.withUnsafeMutableBufferPointer {
                try BlockDequantizer.dequantize(raw, type: type, into: $0)
            }
        }
        return result
    }

    private static func relativeError(_ values: [Float], _ type: TensorType) throws -> Double {
        let restored = try restored(values, type)
        var (error, size) = (0.0, 0.0)
        for (value, other) in zip(values, restored) {
            error += Double(value - other) * Double(value - other)
            size += Double(value) * Double(value)
        }
        return (error / size).squareRoot()
    }

    /// Numbers with a bell-shaped distribution, as sums of draws.
    private static func bell(_ count: Int, offset: Float = 0) -> [Float] {
        var generator = SeededGenerator(seed: 24)
        return (0..<count).map { _ in
            (0..<12).reduce(offset - 6) { sum, _ in
                sum + Float.random(in: 0..<1, using: &generator)
            }
        }
    }

    // llama.cpp's errors on such numbers are 0.0078, 0.0236 and 0.085 of their size:
    // see Tests/Peers/compare-quantization.
    @Test(arguments: [(TensorType.q8_0, 0.0075), (.q6_K, 0.024), (.q4_K, 0.086), (.f16, 3e-4)])
    func `errs as little as other quantisers do`(type: TensorType, bound: Double) throws {
        #expect(try Self.relativeError(Self.bell(8_192), type) < bound)
        #expect(try Self.relativeError(Self.bell(8_192, offset: 5), type) < bound)
        #expect(try Self.relativeError(Self.bell(8_192, offset: -5), type) < bound)
    }

    @Test(arguments: BlockQuantizer.supportedTypes)
    func `gives back zeros, constants and single numbers`(type: TensorType) throws {
        #expect(try Self.restored([Float](repeating: 0, count: 256), type).allSatisfy { $0 == 0 })
        for constant in [Float(1), -3] {
            let values = [Float](repeating: constant, count: 256)
            let worst = try Self.restored(values, type).map { abs($0 - constant) }.max() ?? 1
            #expect(worst <= 0.02 * abs(constant), "\(worst)")
        }
        var single = [Float](repeating: 0, count: 256)
        single[77] = -2
        let restored = try Self.restored(single, type)
        #expect(abs(restored[77] + 2) < 0.05)
        #expect(restored.indices.allSatisfy { $0 == 77 || abs(restored[$0]) < 0.05 })
    }

    @Test(arguments: BlockQuantizer.supportedTypes)
    func `keeps what is not finite visible`(type: TensorType) throws {
        for bad in [Float.nan, .infinity, -.infinity] {
            var values = Self.bell(256)
            values[200] = bad
            #expect(try !Self.restored(values, type).allSatisfy(\.isFinite))
        }
    }

    @Test(arguments: BlockQuantizer.supportedTypes)
    func `survives numbers at both ends of the range`(type: TensorType) throws {
        for size in [Float.leastNonzeroMagnitude, .leastNormalMagnitude, 1e-20, 1e20, 3e38] {
            _ = BlockQuantizer.quantize(Self.bell(256).map { $0 / 6 * size }, type: type)
        }
    }
}
