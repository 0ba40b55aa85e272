package import WorkerProtocol

/// Which of several generated answers a client gets who asked for the best of them (`best_of`): those
/// with the highest log-probability per token.
package struct BestChoices: Sendable, Hashable {
    /// Answers generated for each prompt.
    package let generatedCount: Int
    /// Answers kept of each prompt, at most as many.
    package let keptCount: Int

    /// Keeps `keptCount` of each `generatedCount` answers, 1 or more of both.
    package init(generatedCount: Int, keptCount: Int) {
        precondition(keptCount >= 1 && generatedCount >= keptCount, "some of the answers are kept")
        self.generatedCount = generatedCount
        self.keptCount = keptCount
    }

    /// The mean log-probability of an answer's tokens under the model's own distribution.
    ///
    /// An answer without tokens is worse than any other.
    ///
    /// - Parameters:
    ///   - tokens: The answer's tokens, those of an echoed prompt before them.
    ///   - echoedCount: How many tokens are the prompt's.
    /// - Returns: At most 0.
    package static func score(_ tokens: [TokenLogprob], echoedCount: Int) -> Double {
        let logprobs = tokens.dropFirst(echoedCount).compactMap(\.logprob)
        guard !logprobs.isEmpty else { return -.infinity }
        return logprobs.reduce(0.0) { $0 + Double($1) } / Double(logprobs.count)
    }

    /// The positions of the answers kept: prompt by prompt, the best first, of equal ones the earlier.
    ///
    /// `scores` has `generatedCount` elements for each prompt.
    package func positions(scores: [Double]) -> [Int] {
        stride(from: 0, to: scores.count, by: generatedCount).flatMap { first in
            (first..<first + generatedCount)
                .sorted { (-scores[$0], $0) < (-scores[$1], $1) }
                .prefix(keptCount)
        }
    }
}
