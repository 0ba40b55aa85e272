/// The byte sequences of ranges of scalars in UTF-8.
enum UTF8Ranges {
    /// Sequences of byte ranges that together are exactly the encodings of the scalars of a range,
    /// which must be without surrogates.
    static func sequences(of range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        for (length, bounds) in lengths where bounds.overlaps(range) {
            let part = range.clamped(to: bounds)
            split(encode(part.lowerBound, length), encode(part.upperBound, length), [], &result)
        }
        return result
    }

    /// Scalars by the number of bytes they take (RFC 3629 §3).
    private static let lengths: [(Int, ClosedRange<UInt32>)] = [
        (1, 0...0x7F), (2, 0x80...0x7FF), (3, 0x800...0xFFFF), (4, 0x10000...0x10FFFF),
    ]

    private static func encode(_ value: UInt32, _ length: Int) -> [UInt8] {
        if length == 1 { return [UInt8(value)] }
        var bytes: [UInt8] = []
        var rest = value
        for _ in 1..<length {
            bytes.insert(0x80 | UInt8(rest & 0x3F), at: 0)
            rest >>= 6
        }
        let mark: [UInt8] = [0, 0, 0xC0, 0xE0, 0xF0]
        bytes.insert(mark[length] | UInt8(rest), at: 0)
        return bytes
    }

    /// Splits the sequences between two of the same length into products of byte ranges.
    private static func split(
        _ low: [UInt8],
        _ high: [UInt8],
        _ prefix: [ClosedRange<UInt8>],
        _ result: inout [[ClosedRange<UInt8>]]
    ) {
        guard let lowest = low.first, let highest = high.first else {
            result.append(prefix)
            return
        }
        let lowRest = Array(low.dropFirst())
        let highRest = Array(high.dropFirst())
        let first = [UInt8](repeating: 0x80, count: lowRest.count)
        let last = [UInt8](repeating: 0xBF, count: lowRest.count)
        if lowest == highest {
            split(lowRest, highRest, prefix + [lowest...lowest], &result)
            return
        }
        var from = lowest
        var to = highest
        if lowRest != first {
            split(lowRest, last, prefix + [lowest...lowest], &result)
            from += 1
        }
        if highRest != last { to -= 1 }
        if from <= to {
            result.append(prefix + [from...to] + lowRest.map { _ in 0x80...0xBF })
        }
        if highRest != last { split(first, highRest, prefix + [highest...highest], &result) }
    }
}
