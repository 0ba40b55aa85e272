/// A set of Unicode scalar values, kept as sorted ranges that neither overlap nor touch.
struct ScalarSet: Sendable, Hashable {
    /// The ranges in ascending order.
    private(set) var ranges: [ClosedRange<UInt32>] = []

    /// The set of no scalar.
    static let empty = ScalarSet()
    /// All scalars: every code point but the surrogates (Unicode 15, D76).
    static let all = ScalarSet([0...0xD7FF, 0xE000...0x10FFFF])

    init() {}

    /// The set of what is in any of the ranges; surrogates in them are left out.
    init(_ ranges: some Sequence<ClosedRange<UInt32>>) {
        var whole: [ClosedRange<UInt32>] = []
        for range in ranges {
            for part in [UInt32(0)...0xD7FF, 0xE000...UInt32.max] where part.overlaps(range) {
                whole.append(range.clamped(to: part))
            }
        }
        self.ranges = Self.joined(whole)
    }

    /// The set of the scalars of a text.
    init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

    /// The set of one number, a scalar or one of the marks that stand beyond them.
    init(_ value: UInt32) { ranges = [value...value] }

    var isEmpty: Bool { ranges.isEmpty }

    func union(_ other: ScalarSet) -> ScalarSet {
        var result = ScalarSet()
        result.ranges = Self.joined(ranges + other.ranges)
        return result
    }

    /// All scalars that are not in the set.
    var complement: ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return ScalarSet(result)
    }

    func intersection(_ other: ScalarSet) -> ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var left = 0
        var right = 0
        while left < ranges.count, right < other.ranges.count {
            let a = ranges[left]
            let b = other.ranges[right]
            if a.overlaps(b) { result.append(a.clamped(to: b)) }
            if a.upperBound < b.upperBound { left += 1 } else { right += 1 }
        }
        var set = ScalarSet()
        set.ranges = result
        return set
    }

    func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.complement) }

    func contains(_ value: UInt32) -> Bool { ranges.contains { $0.contains(value) } }

    private static func joined(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, UInt64(range.lowerBound) <= UInt64(last.upperBound) + 1 {
                result[result.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}
