import KVCache
import Platform
import WorkerProtocol

/// How far one sequence is.
///
/// There are no modes: a sequence has known tokens (prompt and output), of which some are
/// computed, and every step computes some of the others. One token missing is decoding, several
/// are a prefill, and all of them missing is a fresh or a preempted sequence.
struct SequenceProgress: Sendable {
    let id: SequenceID
    let account: GenerationAccount
    let promptTokenCount: Int
    /// The most tokens it may ever know.
    let maximumTokenCount: Int
    /// The most prompt tokens of one step.
    let maximumChunkTokenCount: Int
    let usesCache: Bool
    /// Whether all its tokens are computed in one step.
    let isWhole: Bool
    /// Whether it belongs to a request that counts for it.
    let isMember: Bool
    /// Whether it was admitted because its class had its turn; then it is as urgent as can be.
    var isPromoted = false
    /// When it leaves the queue if it did not start.
    let deadline: MonotonicInstant?
    /// Prompt and output tokens known.
    var tokens: [Int32]
    /// Tokens whose keys and values are in its blocks.
    var computedTokenCount = 0
    /// Its blocks; they may reach further than the computed tokens.
    var table: BlockTable
    /// Whether it was part of a plan before.
    var hasStarted = false
    /// Prompt tokens that were taken from the cache when they were first needed.
    var cachedTokenCount = 0
    /// Tokens that were computed or taken from the cache at some time.
    private var reachedTokenCount = 0

    var lookup: PromptLookup
    /// The share of guessed tokens that proved right, of late.
    private(set) var acceptance = 0.7

    init(_ submission: SequenceSubmission, root: Int32, now: MonotonicInstant) {
        id = submission.id
        account = submission.account
        promptTokenCount = submission.tokens.count
        maximumTokenCount = submission.maximumTokenCount
        maximumChunkTokenCount = submission.maximumChunkTokenCount
        usesCache = submission.usesCache
        isWhole = submission.isWhole
        isMember = submission.isMember
        deadline = submission.queueTimeout.map { now.advanced(by: $0) }
        tokens = submission.tokens
        table = BlockTable(root: root)
        lookup = PromptLookup(reference: Self.reference(submission))
    }

    /// The predicted output behind the end of the prompt, so that its beginning is guessed too.
    private static func reference(_ submission: SequenceSubmission) -> [Int32] {
        guard !submission.predictedTokens.isEmpty else { return [] }
        return submission.tokens.suffix(PromptLookup.matchedTokenCount)
            + submission.predictedTokens.prefix(submission.maximumTokenCount)
    }

    /// Known tokens that are not computed.
    var missingTokenCount: Int { tokens.count - computedTokenCount }

    /// Whether a token follows the known ones when they are computed.
    var expectsOutput: Bool { tokens.count < maximumTokenCount }

    /// Whether only the last known token is missing.
    var isDecoding: Bool { missingTokenCount == 1 && computedTokenCount > 0 }

    /// Whether it is where others' blocks can continue its own.
    var isAtBlockBoundary: Bool {
        computedTokenCount == table.blocks.count * KVStorage.blockTokenCount
    }

    /// Positions that others' blocks may hold: the last known token is always computed, since its
    /// logits are needed.
    var adoptableLimit: Int { tokens.count - 1 }

    /// Counts positions that were taken from the cache.
    mutating func adopt(_ count: Int) {
        computedTokenCount += count
        let end = min(computedTokenCount, promptTokenCount)
        cachedTokenCount += max(0, end - max(reachedTokenCount, computedTokenCount - count))
        reachedTokenCount = max(reachedTokenCount, computedTokenCount)
    }

    /// Counts positions that were computed.
    mutating func advance(to position: Int) {
        computedTokenCount = position
        reachedTokenCount = max(reachedTokenCount, position)
    }

    /// Forgets what is in its blocks.
    mutating func startOver() {
        table.removeAll()
        computedTokenCount = 0
    }

    /// Learns from a guess: the tokens before the first wrong one were right.
    mutating func learn(guessed: Int, right: Int) {
        let rate = 0.15
        for _ in 0..<right { acceptance += rate * (1 - acceptance) }
        if right < guessed { acceptance -= rate * acceptance }
    }

    /// Trusts guesses a little more after a step without one, so that they are tried again.
    mutating func recoverTrust() { acceptance += 0.01 * max(0, 0.5 - acceptance) }
}
