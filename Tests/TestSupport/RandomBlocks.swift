import Tensors

/// Random weights, stored in any of the types that Torii computes with: random quants under scales
/// that give the wished-for standard deviation and a mean near zero.
package enum RandomBlocks {
    /// The bytes of `rowCount` rows of `columnCount` elements.
    package static func bytes(
        type: TensorType,
        rowCount: Int,
        columnCount: Int,
        deviation: Float,
        using generator: inout SeededGenerator
    ) -> [UInt8] {
        precondition(columnCount % type.blockElementCount == 0, "rows must be whole blocks")
        var output: [UInt8] = []
        let blockCount = rowCount * columnCount / type.blockElementCount
        output.reserveCapacity(blockCount * type.blockByteCount)
        for _ in 0..<blockCount {
            // Scales differ from block to block, as in real files.
            let scale = deviation * Float.random(in: 0.5...1.5, using: &generator)
            appendBlock(type, scale, to: &output, &generator)
        }
        return output
    }

    private static func appendBlock(
        _ type: TensorType,
        _ deviation: Float,
        to output: inout [UInt8],
        _ generator: inout SeededGenerator
    ) {
        // A uniform number of n values has the standard deviation n / √12.
        switch type {
        case .f32, .f16, .bf16:
            let value = Float.random(in: -1.732...1.732, using: &generator) * deviation
            appendNumber(value, type, to: &output)
        case .q4_0:
            append(deviation / 4.6, to: &output)
            appendRandom(16, to: &output, &generator)
        case .q4_1:
            append(deviation / 4.6, to: &output)
            append(-7.5 * deviation / 4.6, to: &output)
            appendRandom(16, to: &output, &generator)
        case .q5_0:
            append(deviation / 9.2, to: &output)
            appendRandom(20, to: &output, &generator)
        case .q5_1:
            append(deviation / 9.2, to: &output)
            append(-15.5 * deviation / 9.2, to: &output)
            appendRandom(20, to: &output, &generator)
        case .q8_0:
            append(deviation / 74, to: &output)
            appendRandom(32, to: &output, &generator)
        case .iq4_NL:
            append(deviation / 71, to: &output)
            appendRandom(16, to: &output, &generator)
        case .mxfp4:
            // The numbers 0, ±0.5 … ±6 deviate by 3 from their mean.
            let exponent = 127 + Int((deviation / 3).exponent)
            output.append(UInt8(clamping: exponent))
            appendRandom(16, to: &output, &generator)
        case .iq4_XS:
            append(deviation / (71 * 18.5), to: &output)
            appendRandom(132, to: &output, &generator)
            append(bits: UInt16.random(in: .min ... .max, using: &generator), to: &output)
        case .q2_K:
            for _ in 0..<16 {
                let scale = UInt8.random(in: 5...15, using: &generator)
                output.append(scale | scale << 4)
            }
            appendRandom(64, to: &output, &generator)
            append(deviation / (1.1 * 10), to: &output)
            append(1.5 * deviation / (1.1 * 10), to: &output)
        case .q3_K:
            appendRandom(108, to: &output, &generator)
            append(deviation / (2.3 * 18.5), to: &output)
        case .q4_K, .q5_K:
            appendKBlock(type, deviation, to: &output, &generator)
        case .q6_K:
            appendRandom(192, to: &output, &generator)
            for _ in 0..<16 {
                let scale = Int8.random(in: 40...127, using: &generator)
                output.append(UInt8(bitPattern: Bool.random(using: &generator) ? scale : -scale))
            }
            append(deviation / (18.5 * 85), to: &output)
        default:
            preconditionFailure("Torii doesn't compute with \(type)")
        }
    }

    private static func appendNumber(
        _ value: Float,
        _ type: TensorType,
        to output: inout [UInt8]
    ) {
        switch type {
        case .f32: append(bits: value.bitPattern, to: &output)
        case .f16: append(value, to: &output)
        default: append(bits: UInt16(value.bitPattern >> 16), to: &output)
        }
    }

    /// Eight sub-blocks whose scale and minimum share a random six-bit number, so that the mean of
    /// each is zero.
    private static func appendKBlock(
        _ type: TensorType,
        _ deviation: Float,
        to output: inout [UInt8],
        _ generator: inout SeededGenerator
    ) {
        let levels: Float = type == .q4_K ? 16 : 32
        let scale = deviation / (levels / 3.46 * 42)
        append(scale, to: &output)
        append(scale * (levels - 1) / 2, to: &output)
        let scales = (0..<8).map { _ in UInt8.random(in: 20...63, using: &generator) }
        // Six-bit pairs: the first four in bytes 0-3 and 4-7; the others' low four bits in bytes
        // 8-11, their high two in the upper bits of the first eight.
        for _ in 0..<2 {
            for index in 0..<4 { output.append(scales[index] | (scales[index + 4] >> 4) << 6) }
        }
        for index in 4..<8 { output.append((scales[index] & 15) | (scales[index] & 15) << 4) }
        appendRandom(type == .q4_K ? 128 : 160, to: &output, &generator)
    }

    private static func appendRandom(
        _ count: Int,
        to output: inout [UInt8],
        _ generator: inout SeededGenerator
    ) {
        for _ in 0..<count / 4 {
            append(bits: UInt32.random(in: .min ... .max, using: &generator), to: &output)
        }
    }

    private static func append(_ scale: Float, to output: inout [UInt8]) {
        append(bits: Float16(scale).bitPattern, to: &output)
    }

    private static func append(bits: some FixedWidthInteger, to output: inout [UInt8]) {
        withUnsafeBytes(of: bits.littleEndian) { output.append(contentsOf: $0) }
    }
}
