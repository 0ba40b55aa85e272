/// A set of tokens, a bit for each: which may come next.
package struct TokenMask: Sendable, Hashable {
    /// The number of tokens, set or not.
    package let count: Int
    /// The bits, 64 in each word from the lowest up; bits beyond `count` are clear.
    package private(set) var words: [UInt64]

    /// The empty set.
    package init(count: Int) {
        self.count = count
        words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    /// Whether no token is in it.
    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// Whether a token is in it; tokens from `count` on aren't.
    package func contains(_ token: Int32) -> Bool {
        let index = Int(token)
        guard index >= 0, index < count else { return false }
        return words[index >> 6] >> UInt64(index & 63) & 1 == 1
    }

    /// Adds a token below `count`.
    package mutating func insert(_ token: Int32) {
        words[Int(token) >> 6] |= 1 << UInt64(token & 63)
    }

    mutating func remove(_ token: Int32) {
        words[Int(token) >> 6] &= ~(1 << UInt64(token & 63))
    }

    /// Takes out the tokens that end an output.
    package mutating func removeEndTokens(of vocabulary: GrammarVocabulary) {
        for token in vocabulary.endTokens { remove(token) }
    }

    mutating func formUnion(_ other: TokenMask) {
        for index in words.indices { words[index] |= other.words[index] }
    }
}
