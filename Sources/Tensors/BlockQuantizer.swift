/// Turns numbers into stored weights: the counterpart of `BlockDequantizer`.
///
/// Each group's scale is the best of a few that are tried, by the sum of squared errors; what is stored
/// is rounded against the scale as it is stored. The result is the same on every machine.
package enum BlockQuantizer {
    /// The types that numbers can become.
    package static let supportedTypes: [TensorType] = [.f32, .f16, .bf16, .q8_0, .q6_K, .q4_K]

    /// Quantises rows of numbers.
    ///
    /// Numbers that are not finite make their group's scale not a number, so that a loader finds them.
    ///
    /// - Parameters:
    ///   - values: Whole quantised blocks of `type`.
    ///   - type: One of `supportedTypes`.
    /// - Returns: The blocks, one behind the other.
    package static func quantize(_ values: [Float], type: TensorType) -> [UInt8] {
        precondition(supportedTypes.contains(type), "\(type) is a type that numbers can become")
        precondition(
            values.count.isMultiple(of: type.blockElementCount),
            "whole blocks are quantised"
        )
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count / type.blockElementCount * type.blockByteCount)
        switch type {
        case .f32:
            for value in values { bytes.append(littleEndian: value.bitPattern) }
        case .f16:
            for value in values { bytes.append(littleEndian: Float16(value).bitPattern) }
        case .bf16:
            for value in values { bytes.append(littleEndian: bfloat16(value)) }
        default:
            for start in stride(from: 0, to: values.count, by: type.blockElementCount) {
                let block = values[start..<start + type.blockElementCount]
                switch type {
                case .q8_0: appendEightBits(Array(block), to: &bytes)
                case .q6_K: SixBitBlock(Array(block)).append(to: &bytes)
                default: FourBitBlock(Array(block)).append(to: &bytes)
                }
            }
        }
        return bytes
    }

    /// The upper half of a number, rounded to even.
    private static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        // The quiet bit keeps a number that is none from becoming infinite.
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// Q8_0: a scale and 32 signed bytes.
    private static func appendEightBits(_ values: [Float], to bytes: inout [UInt8]) {
        let scale = values.allSatisfy(\.isFinite) ? bestScale(values) : .nan
        bytes.append(littleEndian: scale.bitPattern)
        let inverse = scale.isFinite && scale > 0 ? 1 / Float(scale) : 0
        for value in values {
            bytes.append(UInt8(bitPattern: Int8(eightBits(value, inverse))))
        }
    }

    private static func eightBits(_ value: Float, _ inverse: Float) -> Float {
        inverse == 0 ? 0 : min(127, max(-127, (value * inverse).rounded()))
    }

    /// The scale, out of some near the one that makes the largest number 127, with which the sum of
    /// squared errors is the least: an eighth less than with that one.
    private static func bestScale(_ values: [Float]) -> Float16 {
        let largest = values.reduce(0) { max($0, abs($1)) }
        var best = (error: Float.infinity, scale: Float16(largest / 127))
        for step in -4...4 {
            let scale = Float16(largest / (127 + 0.25 * Float(step)))
            guard scale.isFinite, scale > 0 else { continue }
            let inverse = 1 / Float(scale)
            let error = values.reduce(Float(0)) { sum, value in
                let difference = value - Float(scale) * eightBits(value, inverse)
                return sum + difference * difference
            }
            if error < best.error { best = (error, scale) }
        }
        return best.scale
    }
}

/// Q6_K: 16 groups of 16 signed numbers of six bits, with a signed byte as each group's scale and one
/// scale for all.
///
/// The layout is described in `BlockDequantizer`.
private struct SixBitBlock {
    private var scale = Float16(0)
    private var groupScales = [Int8](repeating: 0, count: 16)
    /// From 0 to 63, for -32 to 31.
    private var numbers = [UInt8](repeating: 32, count: 256)

    init(_ values: [Float]) {
        guard values.allSatisfy(\.isFinite) else {
            scale = .nan
            return
        }
        let scales = (0..<16).map { Self.bestScale(values[16 * $0..<16 * $0 + 16]) }
        let largest = scales.max { abs($0) < abs($1) } ?? 0
        guard largest != 0 else { return }
        // The largest scale becomes -128, the end that reaches farther.
        scale = Float16(largest / -128)
        guard scale.isFinite, scale != 0 else { return }
        for group in 0..<16 {
            let rounded = (scales[group] / Float(scale)).rounded()
            groupScales[group] = Int8(min(127, max(-128, rounded)))
            let step = Float(scale) * Float(groupScales[group])
            guard step != 0 else { continue }
            for index in 16 * group..<16 * group + 16 {
                let number = min(31, max(-32, (values[index] / step).rounded()))
                numbers[index] = UInt8(number + 32)
            }
        }
    }

    /// The scale s that makes the sum of (x - s·q)² small, q being x/s rounded.
    private static func bestScale(_ values: ArraySlice<Float>) -> Float {
        guard let extreme = values.max(by: { abs($0) < abs($1) }), abs(extreme) > 1e-30 else {
            return 0
        }
        var best: (gain: Float, scale: Float) = (-1, 0)
        for step in -10...10 {
            let inverse = -(32 + 0.1 * Float(step)) / extreme
            guard inverse.isFinite else { continue }
            var product: Float = 0
            var square: Float = 0
            for value in values {
                let number = min(31, max(-32, (value * inverse).rounded()))
                product += value * number
                square += number * number
            }
            // With these numbers the best scale is product/square, and this is what it gains.
            if square > 0, product * product / square > best.gain {
                best = (product * product / square, product / square)
            }
        }
        return best.scale
    }

    func append(to bytes: inout [UInt8]) {
        var low = [UInt8](repeating: 0, count: 128)
        var high = [UInt8](repeating: 0, count: 64)
        for element in 0..<256 {
            let half = element / 128
            let quarter = element % 128 / 32
            let place = element % 32
            let number = numbers[element]
            low[half * 64 + quarter % 2 * 32 + place] |=
                quarter < 2 ? number & 15 : (number & 15) << 4
            high[half * 32 + place] |= (number >> 4) << UInt8(2 * quarter)
        }
        bytes += low
        bytes += high
        for scale in groupScales { bytes.append(UInt8(bitPattern: scale)) }
        bytes.append(littleEndian: scale.bitPattern)
    }
}

/// Q4_K: 8 groups of 32 numbers from 0 to 15, with six bits as each group's scale and as its minimum,
/// and one scale for all scales and one for all minima.
private struct FourBitBlock {
    private var scale = Float16(0)
    private var minimumScale = Float16(0)
    private var groupScales = [UInt8](repeating: 0, count: 8)
    private var groupMinima = [UInt8](repeating: 0, count: 8)
    private var numbers = [UInt8](repeating: 0, count: 256)

    /// A group's numbers are `scale · q - minimum`.
    private struct Line {
        var scale: Float
        /// 0 or more.
        var minimum: Float
        var error = Float.infinity
    }

    init(_ values: [Float]) {
        guard values.allSatisfy(\.isFinite) else {
            scale = .nan
            return
        }
        let lines = (0..<8).map { Self.bestLine(values[32 * $0..<32 * $0 + 32]) }
        scale = Float16((lines.map(\.scale).max() ?? 0) / 63)
        minimumScale = Float16((lines.map(\.minimum).max() ?? 0) / 63)
        guard scale.isFinite, minimumScale.isFinite else { return }
        for group in 0..<8 {
            chooseLine(group, near: lines[group], values[32 * group..<32 * group + 32])
            let step = Float(scale) * Float(groupScales[group])
            let minimum = Float(minimumScale) * Float(groupMinima[group])
            guard step > 0 else { continue }
            for index in 32 * group..<32 * group + 32 {
                let number = ((values[index] + minimum) / step).rounded()
                numbers[index] = UInt8(min(15, max(0, number)))
            }
        }
    }

    /// Takes the best of the lines that can be stored next to the wanted one.
    private mutating func chooseLine(
        _ group: Int,
        near line: Line,
        _ values: ArraySlice<Float>
    ) {
        let scaleNumber = Int(Self.sixBits(line.scale, Float(scale)))
        let minimumNumber = Int(Self.sixBits(line.minimum, Float(minimumScale)))
        var least = Float.infinity
        for number in max(0, scaleNumber - 1)...min(63, scaleNumber + 1) {
            for offset in max(0, minimumNumber - 1)...min(63, minimumNumber + 1) {
                let error = Self.error(
                    values,
                    Line(
                        scale: Float(scale) * Float(number),
                        minimum: Float(minimumScale) * Float(offset)
                    )
                )
                guard error < least else { continue }
                least = error
                groupScales[group] = UInt8(number)
                groupMinima[group] = UInt8(offset)
            }
        }
    }

    private static func sixBits(_ value: Float, _ scale: Float) -> UInt8 {
        scale > 0 ? UInt8(min(63, max(0, (value / scale).rounded()))) : 0
    }

    /// The line whose points lie closest to the values, out of those that a few ways to round give.
    private static func bestLine(_ values: ArraySlice<Float>) -> Line {
        let lowest = min(0, values.min() ?? 0)
        let highest = values.max() ?? 0
        let range = highest - lowest
        guard range > 1e-30, range.isFinite else { return Line(scale: 0, minimum: -lowest) }
        var best = Line(scale: range / 15, minimum: -lowest)
        best.error = error(values, best)
        for step in 0...20 {
            let inverse = (14 + 0.1 * Float(step)) / range
            let line = fitted(values, inverse: inverse, lowest: lowest)
            if line.error < best.error { best = line }
        }
        return best
    }

    /// The line by least squares through the values as they are rounded with a scale.
    private static func fitted(
        _ values: ArraySlice<Float>,
        inverse: Float,
        lowest: Float
    ) -> Line {
        var (sum, square, total, product) = (Float(0), Float(0), Float(0), Float(0))
        for value in values {
            let number = min(15, max(0, ((value - lowest) * inverse).rounded()))
            sum += number
            square += number * number
            total += value
            product += value * number
        }
        let count = Float(values.count)
        let determinant = count * square - sum * sum
        guard determinant > 0 else { return Line(scale: 0, minimum: 0) }
        var line = Line(
            scale: (count * product - sum * total) / determinant,
            minimum: (sum * product - square * total) / determinant
        )
        // A minimum cannot be above 0: then the line goes through it.
        if line.minimum < 0 {
            line.minimum = 0
            line.scale = square > 0 ? product / square : 0
        }
        guard line.scale > 0 else { return Line(scale: 0, minimum: 0) }
        line.error = error(values, line)
        return line
    }

    private static func error(_ values: ArraySlice<Float>, _ line: Line) -> Float {
        let inverse = line.scale > 0 ? 1 / line.scale : 0
        return values.reduce(0) { sum, value in
            let number = min(15, max(0, ((value + line.minimum) * inverse).rounded()))
            let difference = value + line.minimum - line.scale * number
            return sum + difference * difference
        }
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(littleEndian: scale.bitPattern)
        bytes.append(littleEndian: minimumScale.bitPattern)
        var packed = [UInt8](repeating: 0, count: 12)
        for group in 0..<4 {
            let upper = group + 4
            packed[group] = groupScales[group] | (groupScales[upper] >> 4) << 6
            packed[group + 4] = groupMinima[group] | (groupMinima[upper] >> 4) << 6
            packed[group + 8] = groupScales[upper] & 15 | (groupMinima[upper] & 15) << 4
        }
        bytes += packed
        for pair in 0..<4 {
            for place in 0..<32 {
                let low = numbers[64 * pair + place]
                bytes.append(low | numbers[64 * pair + 32 + place] << 4)
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: UInt16) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    fileprivate mutating func append(littleEndian value: UInt32) {
        append(littleEndian: UInt16(truncatingIfNeeded: value))
        append(littleEndian: UInt16(truncatingIfNeeded: value >> 16))
    }
}
