/// Finds the end of an output that a stop string marks, however the text is cut into tokens.
///
/// The output ends before the stop string that is complete first; of several complete at the same
/// byte the longest counts. Text that may turn out to be the beginning of a stop string is held
/// back, never more than that. Text comes as whole UTF-8 sequences, and so it leaves.
///
/// Each string has a Knuth-Morris-Pratt automaton whose state is how much of it the text ends
/// with: what must be held back is the largest state.
struct StopStringMatcher: Sendable {
    private struct Automaton: Sendable {
        let pattern: [UInt8]
        /// For each length of a matched part: the longest shorter part that is also its end.
        let fallbacks: [Int]
        var matchedCount = 0

        init(_ string: String) {
            let pattern = Array(string.utf8)
            var fallbacks = [0, 0]
            var length = 0
            for index in pattern.indices.dropFirst() {
                while length > 0, pattern[index] != pattern[length] { length = fallbacks[length] }
                if pattern[index] == pattern[length] { length += 1 }
                fallbacks.append(length)
            }
            self.pattern = pattern
            self.fallbacks = fallbacks
        }

        /// Takes a byte; true when the whole string has been seen.
        mutating func advance(_ byte: UInt8) -> Bool {
            while matchedCount > 0, pattern[matchedCount] != byte {
                matchedCount = fallbacks[matchedCount]
            }
            if pattern[matchedCount] == byte { matchedCount += 1 }
            return matchedCount == pattern.count
        }
    }

    private var automata: [Automaton]
    private var held: [UInt8] = []

    /// Looks for these strings, none of them empty.
    init(_ strings: [String]) {
        precondition(strings.allSatisfy { !$0.isEmpty }, "a stop string has characters")
        automata = strings.map(Automaton.init)
    }

    /// Takes the next bytes of the text.
    ///
    /// - Returns: The bytes that are certainly output, and whether the output ends after them.
    ///   After the end nothing may follow.
    mutating func append(_ bytes: [UInt8]) -> (released: [UInt8], isComplete: Bool) {
        if automata.isEmpty { return (bytes, false) }
        let start = held.count
        held += bytes
        for (index, byte) in bytes.enumerated() {
            var longest = 0
            for place in automata.indices where automata[place].advance(byte) {
                longest = max(longest, automata[place].pattern.count)
            }
            if longest > 0 {
                let end = start + index + 1 - longest
                defer { held = [] }
                return (Array(held[..<end]), true)
            }
        }
        let kept = automata.reduce(0) { max($0, $1.matchedCount) }
        let released = Array(held.dropLast(kept))
        held.removeFirst(released.count)
        return (released, false)
    }

    /// Ends the text: what was held back is output after all.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }
}
