/// What one step computes, and what had to happen for it.
package struct StepPlan: Sendable, Hashable {
    /// Consecutive tokens of one sequence.
    package struct Entry: Sendable, Hashable {
        /// Whose tokens.
        package let id: SequenceID
        /// Position of the first token to compute.
        package let firstPosition: Int
        /// How many tokens to compute, at least 1.
        package let tokenCount: Int
        /// KV block of each `KVStorage.blockTokenCount` positions, up to the last token's.
        package let blockTable: [Int32]
        /// Whether the last of these tokens is the sequence's last known one, so that its logits
        /// give the next token.
        package let reachesEnd: Bool
    }

    /// The sequences that compute, in order of arrival.
    package var entries: [Entry] = []
    /// Sequences that compute for the first time in this step (not again after a preemption).
    package var started: [SequenceID] = []
    /// Sequences whose blocks were taken back; they wait with nothing computed.
    package var preempted: [SequenceID] = []

    /// Whether there is nothing to compute.
    package var isEmpty: Bool { entries.isEmpty }

    /// Tokens to compute.
    package var tokenCount: Int { entries.reduce(0) { $0 + $1.tokenCount } }
}
