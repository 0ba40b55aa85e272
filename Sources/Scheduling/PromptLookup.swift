/// Guesses the next tokens of a sequence from what followed the same three tokens before in it, or in
/// a text that it is expected to resemble.
///
/// Prompt lookup (Saxena 2023): edited code, summaries and JSON repeat their input. The guess costs
/// a table look-up; whether it was right is for the model to say.
///
/// Pure. One per sequence; O(1) for each token of the sequence, plus the guess.
struct PromptLookup: Sendable {
    /// How many tokens must be the same.
    static let matchedTokenCount = 3

    /// What the sequence may resemble.
    private let reference: [Int32]
    /// Where the text goes on after three tokens, the last time they occurred; the complement of a
    /// place in the reference.
    private var continuations: [UInt64: Int32] = [:]
    /// Tokens before this place were looked at.
    private var indexedCount = 0

    /// Guesses from a sequence itself, and from a text it may resemble.
    ///
    /// - Complexity: O(n) in the reference's tokens.
    init(reference: [Int32] = []) {
        self.reference = reference
        for next in reference.indices.dropFirst(Self.matchedTokenCount) {
            let matched = reference[next - Self.matchedTokenCount..<next]
            continuations[Self.pack(matched)] = ~Int32(next)
        }
    }

    /// The tokens that might come next, at most `maximum`.
    ///
    /// - Parameters:
    ///   - tokens: The sequence's known tokens; what was there in earlier calls is unchanged.
    ///   - maximum: The most tokens to guess.
    /// - Returns: A part of `tokens` or of the reference, empty if there is nothing to go by.
    mutating func guess(after tokens: [Int32], maximum: Int) -> ArraySlice<Int32> {
        guard tokens.count > Self.matchedTokenCount, maximum > 0 else { return [] }
        while indexedCount + Self.matchedTokenCount < tokens.count {
            let next = indexedCount + Self.matchedTokenCount
            continuations[Self.pack(tokens[indexedCount..<next])] = Int32(next)
            indexedCount += 1
        }
        guard let place = continuations[Self.pack(tokens.suffix(Self.matchedTokenCount))] else {
            return []
        }
        if place < 0 { return reference[Int(~place)...].prefix(maximum) }
        return tokens[Int(place)...].prefix(maximum)
    }

    /// A key; ids beyond 2²¹ may share one, which makes a bad guess and nothing worse.
    private static func pack(_ tokens: ArraySlice<Int32>) -> UInt64 {
        tokens.reduce(0) { $0 << 21 ^ UInt64(UInt32(bitPattern: $1)) }
    }
}
