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

    /// A part of the work on a text of an encoder, which is computed whole but not at once.
    ///
    /// A model of L layers passes over a text of T tokens in L + 1 rounds, the last one over the
    /// tokens whose states are wanted. Number `round * T + index` of the work is a token's row in a
    /// round (``StepProgram/runRound(_:cache:blockByteCount:format:)``), so there are L T + S.
    package struct Part: Sendable, Hashable {
        /// Which numbers are computed; those before were, and the entry's blocks are as they left
        /// them.
        package var work: Range<Int>
        /// Whether these are the last, which give hidden states.
        package var isEnd: Bool

        /// A part.
        package init(work: Range<Int>, isEnd: Bool) {
            self.work = work
            self.isEnd = isEnd
        }
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
        /// Which part of the work on these tokens, which are a whole text, is done; nil: all of it.
        package var part: Part?

        /// An entry of `tokens` that starts at `firstPosition`.
        package init(
            tokens: ArraySlice<Int32>,
            firstPosition: Int,
            blockTable: [Int32],
            logits: LogitSelection,
            adapter: Adapter? = nil,
            part: Part? = nil
        ) {
            self.tokens = tokens
            self.firstPosition = firstPosition
            self.blockTable = blockTable
            self.logits = logits
            self.adapter = adapter
            self.part = part
        }

        /// How many logit rows this entry adds.
        package var logitRowCount: Int { part?.isEnd ?? true ? selectedTokens.count : 0 }

        /// Which of the tokens get logits, by their numbers from 0.
        var selectedTokens: Range<Int> {
            switch logits {
            case .none: 0..<0
            case .first: 0..<min(1, tokens.count)
            case .last: max(0, tokens.count - 1)..<tokens.count
            case .all: 0..<tokens.count
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
