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
    /// Whether all its tokens are computed together.
    let isWhole: Bool
    /// What that takes if it is done in parts.
    let work: PartedWork
    /// Whether it is done in parts.
    var isInParts = false
    /// How much of the work is done.
    var computedWorkCount = 0
    /// The number of the last part that was planned, among all parts.
    var lastPart: UInt64 = 0
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
    /// Tokens that probably follow the known ones, for a reason of their own.
    var expected: [Int32] = []
    var trustInLookups = GuessTrust(acceptance: 0.7)
    var trustInExpected = GuessTrust(acceptance: 0.9)

    init(
        _ submission: SequenceSubmission,
        layerCount: Int,
        root: Int32,
        now: MonotonicInstant
    ) {
        id = submission.id
        account = submission.account
        promptTokenCount = submission.tokens.count
        maximumTokenCount = submission.maximumTokenCount
        maximumChunkTokenCount = submission.maximumChunkTokenCount
        usesCache = submission.usesCache
        isWhole = submission.isWhole
        work = PartedWork(
            tokenCount: submission.tokens.count,
            layerCount: layerCount,
            endRowCount: submission.endRowCount
        )
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

    /// What computing those costs.
    var missingSize: StepCostModel.Size {
        if isInParts { return work.size(of: computedWorkCount..<work.count) }
        return StepCostModel.Size(
            tokenCount: missingTokenCount,
            firstPosition: computedTokenCount,
            logitRowCount: 1
        )
    }

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
        isInParts = false
        computedWorkCount = 0
    }

    /// The tokens that might come next, at most `maximum`: what is expected, or what followed before.
    mutating func guess(maximum: Int) -> ArraySlice<Int32> {
        expected.isEmpty
            ? lookup.guess(after: tokens, maximum: maximum) : expected.prefix(max(maximum, 0))
    }

    /// How far the next guess is trusted.
    var acceptance: Double {
        expected.isEmpty ? trustInLookups.acceptance : trustInExpected.acceptance
    }

    /// Learns what came of the last guess, if there was one.
    mutating func learn(guessed: Int, right: Int) {
        switch (guessed > 0, expected.isEmpty) {
        case (true, true): trustInLookups.learn(guessed: guessed, right: right)
        case (true, false): trustInExpected.learn(guessed: guessed, right: right)
        case (false, true): trustInLookups.recover()
        case (false, false): trustInExpected.recover()
        }
    }
}
