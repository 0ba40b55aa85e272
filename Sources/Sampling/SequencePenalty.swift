import Glibc

/// What ``DRYParameters`` subtracts from one sequence's logits, kept up to date token by token.
struct SequencePenalty: Sendable {
    private let parameters: DRYParameters
    private let breakers: [[UInt8]]
    /// The bytes that a token adds to the text.
    private let bytes: @Sendable (Int32) -> [UInt8]
    /// The last tokens of prompt and output, at least `window` of them if there are as many.
    private var tokens: [Int32]
    /// The tokens from here on contain no sequence breaker.
    private var unbrokenStart = 0

    /// No penalty is larger: it must not make a logit infinite.
    private static let maximumPenalty: Float = 1e9

    init(
        parameters: DRYParameters,
        prompt: some BidirectionalCollection<Int32>,
        bytes: @escaping @Sendable (Int32) -> [UInt8]
    ) {
        self.parameters = parameters
        self.bytes = bytes
        breakers = parameters.sequenceBreakers.filter { !$0.isEmpty }.map { Array($0.utf8) }
        tokens = Array(prompt.suffix(parameters.window))
        var start = tokens.count
        while start > 0, !completesBreaker(start - 1) { start -= 1 }
        unbrokenStart = start
    }

    /// Takes a token of the output.
    mutating func accept(_ token: Int32) {
        tokens.append(token)
        if completesBreaker(tokens.count - 1) { unbrokenStart = tokens.count }
        // Seldom, so that a token costs no more than its place.
        if tokens.count / 2 > max(parameters.window, 64) {
            let surplus = tokens.count - parameters.window
            tokens.removeFirst(surplus)
            unbrokenStart = max(0, unbrokenStart - surplus)
        }
    }

    /// The penalty of each token that would repeat something.
    ///
    /// - Complexity: O(window).
    func penalties() -> [Int32: Float] {
        let window = Array(tokens.suffix(parameters.window).reversed())
        let longest = min(window.count, tokens.count - unbrokenStart)
        let shortest = max(1, parameters.allowedLength)
        guard longest >= shortest else { return [:] }
        var lengths: [Int32: Int] = [:]
        for (place, length) in Self.commonPrefixLengths(window).enumerated().dropFirst()
        where length >= shortest {
            // Backwards, what followed the earlier occurrence stands before it.
            lengths[window[place - 1], default: 0].raise(to: min(length, longest))
        }
        return lengths.mapValues { length in
            let exponent = Float(length - parameters.allowedLength)
            return min(parameters.multiplier * pow(parameters.base, exponent), Self.maximumPenalty)
        }
    }

    /// For each place, how many elements from there on equal those at the front: the Z function
    /// (Gusfield, "Algorithms on Strings, Trees and Sequences", 1.4).
    private static func commonPrefixLengths(_ elements: [Int32]) -> [Int] {
        var lengths = [Int](repeating: 0, count: elements.count)
        // The stretch that reaches furthest of those known to equal the front.
        var start = 0
        var end = 0
        for place in elements.indices.dropFirst() {
            var length = place < end ? min(lengths[place - start], end - place) : 0
            while place + length < elements.count, elements[length] == elements[place + length] {
                length += 1
            }
            lengths[place] = length
            if place + length > end { (start, end) = (place, place + length) }
        }
        return lengths
    }

    /// Whether a sequence breaker ends inside the text of this token.
    private func completesBreaker(_ index: Int) -> Bool {
        guard let longest = breakers.map(\.count).max() else { return false }
        let own = bytes(tokens[index])
        guard !own.isEmpty else { return false }
        var text = own
        var before = index
        while text.count < own.count + longest - 1, before > 0 {
            before -= 1
            text.insert(contentsOf: bytes(tokens[before]), at: 0)
        }
        let firstEnd = text.count - own.count + 1
        return breakers.contains { breaker in
            guard breaker.count <= text.count else { return false }
            return (max(firstEnd, breaker.count)...text.count).contains { end in
                text[(end - breaker.count)..<end].elementsEqual(breaker)
            }
        }
    }
}

extension Int {
    fileprivate mutating func raise(to other: Int) { self = Swift.max(self, other) }
}
