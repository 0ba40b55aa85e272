/// How far one sequence is.
///
/// There are no modes: a sequence has known tokens (prompt and output), of which some are
/// computed, and every step computes some of the others. One token missing is decoding, several
/// are a prefill, and all of them missing is a fresh or a preempted sequence.
struct SequenceProgress: Sendable {
    let id: SequenceID
    /// Prompt and output tokens known.
    var tokenCount: Int
    /// The most tokens it may ever know.
    let maximumTokenCount: Int
    /// The most tokens of one step.
    let maximumChunkTokenCount: Int
    /// Tokens whose keys and values are in its blocks.
    var computedTokenCount = 0
    /// KV blocks in the order of positions.
    var blockTable: [Int32] = []
    /// Whether it was part of a plan before.
    var hasStarted = false

    /// Known tokens that are not computed.
    var missingTokenCount: Int { tokenCount - computedTokenCount }

    /// Whether only the last known token is missing.
    var isDecoding: Bool { missingTokenCount == 1 && computedTokenCount > 0 }
}
