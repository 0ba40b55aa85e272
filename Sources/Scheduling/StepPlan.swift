package import KVCache

/// What one step computes, and what had to happen for it.
package struct StepPlan: Sendable {
    /// A part of the work on a whole sequence; see ``PartedWork``.
    package struct Part: Sendable, Hashable {
        /// Which rows of which rounds.
        package let work: Range<Int>
        /// What they cost.
        package let size: StepCostModel.Size
    }

    /// Consecutive tokens of one sequence.
    package struct Entry: Sendable {
        /// Whose tokens.
        package let id: SequenceID
        /// Position of the first token to compute.
        package let firstPosition: Int
        /// The tokens to compute, at least 1: known ones, then guessed ones.
        package var tokens: [Int32]
        /// How many of the tokens are guessed; only if `reachesEnd`.
        package var guessedTokenCount = 0
        /// KV block of each `KVStorage.blockTokenCount` positions, up to the last token's or
        /// further.
        package var blockTable: [Int32]
        /// Whether the last known token is among these, so that its logits give the next token.
        package let reachesEnd: Bool
        /// Which part of the work is done, if the tokens are a whole sequence's and it is not all.
        ///
        /// Such entries come behind the others.
        package var part: Part?

        /// Logits that are needed to choose tokens.
        var logitRowCount: Int { reachesEnd ? 1 + guessedTokenCount : 0 }

        /// What these tokens cost.
        package var size: StepCostModel.Size {
            part?.size
                ?? StepCostModel.Size(
                    tokenCount: tokens.count,
                    firstPosition: firstPosition,
                    logitRowCount: logitRowCount
                )
        }
    }

    /// A sequence that computes for the first time.
    package struct Start: Sendable, Hashable {
        /// Which one.
        package let id: SequenceID
        /// Prompt tokens that it took from the cache.
        package let cachedTokenCount: Int
    }

    /// The sequences that compute.
    package var entries: [Entry] = []
    /// To be done in order before anything is computed.
    package var copies: [BlockCopy] = []
    /// Sequences that compute for the first time (not again after a preemption).
    package var started: [Start] = []
    /// Sequences whose blocks were taken back; they wait again.
    package var preempted: [SequenceID] = []
    /// Sequences that waited too long; the scheduler knows them no more.
    package var timedOut: [SequenceID] = []

    /// Whether there is nothing to compute.
    package var isEmpty: Bool { entries.isEmpty }

    /// Tokens to compute, those of parts not counted.
    package var tokenCount: Int {
        entries.reduce(0) { $0 + ($1.part == nil ? $1.tokens.count : 0) }
    }

    /// What the step will cost.
    package var size: StepCostModel.Size { entries.reduce(StepCostModel.Size()) { $0 + $1.size } }
}
