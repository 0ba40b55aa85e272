/// The automaton of the byte strings that contain none of some terminators.
///
/// After Aho and Corasick: a state for every proper prefix of a terminator, which is the longest one
/// that what came before ends with.
struct ByteSearch {
    /// Each state's transitions, from state 0 on.
    ///
    /// A byte that would complete a terminator has none.
    private(set) var rows: [[(ClosedRange<UInt8>, Int)]] = []

    /// - Parameter terminators: None is empty.
    init(_ terminators: [[UInt8]]) {
        var prefixes: [[UInt8]] = [[]]
        var numbers: [[UInt8]: Int] = [[]: 0]
        for terminator in terminators {
            for length in 1..<max(terminator.count, 1) {
                let prefix = Array(terminator[..<length])
                if numbers[prefix] == nil {
                    numbers[prefix] = prefixes.count
                    prefixes.append(prefix)
                }
            }
        }
        let whole = Set(terminators)
        let longest = terminators.map(\.count).max() ?? 0
        for prefix in prefixes {
            var row: [(ClosedRange<UInt8>, Int)] = []
            for byte in UInt8.min...UInt8.max {
                let seen = prefix + [byte]
                let endings = (0..<min(seen.count, longest)).map { Array(seen[$0...]) }
                guard !endings.contains(where: { whole.contains($0) }) else { continue }
                let target = endings.lazy.compactMap { numbers[$0] }.first ?? 0
                if let last = row.last, last.1 == target, last.0.upperBound + 1 == byte {
                    row[row.count - 1].0 = last.0.lowerBound...byte
                } else {
                    row.append((byte...byte, target))
                }
            }
            rows.append(row)
        }
    }
}
