/// The rows of one step: which tokens of which sequences are computed, and whose logits are wanted.
///
/// Rows are numbered in order: all tokens of the first entry, then all of the second, and so on.
/// Logit rows are numbered the same way among the tokens whose logits were asked for.
package struct ForwardBatch: Sendable {
    /// Which of an entry's tokens get logits.
    package enum LogitSelection: Sendable, Hashable {
        /// No token: a chunk of a prompt that goes on.
        case none
        /// The last token only: the one that is sampled.
        case last
        /// Every token: log-probabilities of a prompt, or a mean of hidden states.
        case all
        /// The first token only: the one that an encoder collects a text in.
        case first
    }

    /// Consecutive tokens of one sequence.
    package struct Entry: Sendable {
        /// The tokens to compute, `[T]`; not empty, each in `0 ..< vocabularySize`.
        package var tokens: ArraySlice<Int32>
        /// The position of the first token in its sequence, from 0.
        package var firstPosition: Int
        /// KV block of positions `0..<32`, of `32..<64`, and so on, up to the last token's.
        ///
        /// The blocks of earlier positions hold their keys and values already; this step writes
        /// those of `tokens`.
        package var blockTable: [Int32]
        /// Which tokens get logits.
        package var logits: LogitSelection
        /// What is added to the model's weights for these tokens alone; nil: nothing.
        ///
        /// It was loaded for this model, and the blocks' earlier keys and values were computed with
        /// it too.
        package var adapter: Adapter?

        /// An entry of `tokens` that starts at `firstPosition`.
        package init(
            tokens: ArraySlice<Int32>,
            firstPosition: Int,
            blockTable: [Int32],
            logits: LogitSelection,
            adapter: Adapter? = nil
        ) {
            self.tokens = tokens
            self.firstPosition = firstPosition
            self.blockTable = blockTable
            self.logits = logits
            self.adapter = adapter
        }

        /// How many logit rows this entry adds.
        package var logitRowCount: Int { Self.logitRowCount(logits, tokenCount: tokens.count) }

        /// How many logit rows an entry of so many tokens adds.
        package static func logitRowCount(_ logits: LogitSelection, tokenCount: Int) -> Int {
            switch logits {
            case .none: 0
            case .last, .first: min(1, tokenCount)
            case .all: tokenCount
            }
        }
    }

    /// The entries in row order; no two of the same sequence.
    package var entries: [Entry]

    /// A batch of `entries`.
    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// The number of tokens in all entries.
    package var tokenCount: Int {
        entries.reduce(0) { $0 + $1.tokens.count }
    }

    /// The number of logit rows of all entries.
    package var logitRowCount: Int {
        entries.reduce(0) { $0 + $1.logitRowCount }
    }
}
