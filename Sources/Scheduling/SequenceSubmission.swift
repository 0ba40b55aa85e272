package import WorkerProtocol

/// A sequence that wants to be computed.
package struct SequenceSubmission: Sendable {
    /// Larger than every id submitted before.
    package var id: SequenceID
    /// The prompt: one token or more.
    package var tokens: [Int32]
    /// What the output is expected to be, for guesses; empty if nobody knows.
    package var predictedTokens: [Int32]
    /// The most prompt and output tokens it may reach.
    package var maximumTokenCount: Int
    /// Who pays for it, and how urgent it is.
    package var account: GenerationAccount
    /// How long it may wait for its first step.
    package var queueTimeout: Duration?
    /// The most of its prompt tokens in one step.
    package var maximumChunkTokenCount: Int
    /// Whether it may take what was computed for others; not if every position's logits are wanted.
    package var usesCache: Bool
    /// Whether all its tokens are computed together, as those of an encoder's text, which see each
    /// other: in one step, or in parts if they are too many for one.
    ///
    /// Keys and values are of no use afterwards, and none of them is kept.
    package var isWhole: Bool
    /// How many of a whole sequence's tokens pass the last round, in parts: those whose hidden states
    /// are wanted.
    package var endRowCount: Int
    /// Which weights it is computed with: 0 for the model's own, another number for each adapter.
    ///
    /// Nothing is shared among different ones.
    package var weights: UInt64
    /// Whether it is a text of a request that ``Scheduler/admit(_:tokenCount:)`` has admitted, so
    /// that it does not count for itself.
    package var isMember: Bool

    /// Makes a submission; everything left out sets no bounds.
    package init(
        id: SequenceID,
        tokens: [Int32],
        predictedTokens: [Int32] = [],
        maximumTokenCount: Int,
        account: GenerationAccount = GenerationAccount(),
        queueTimeout: Duration? = nil,
        maximumChunkTokenCount: Int = .max,
        usesCache: Bool = true,
        isWhole: Bool = false,
        endRowCount: Int = 1,
        weights: UInt64 = 0,
        isMember: Bool = false
    ) {
        self.id = id
        self.tokens = tokens
        self.predictedTokens = predictedTokens
        self.maximumTokenCount = max(tokens.count, maximumTokenCount)
        self.account = account
        self.queueTimeout = queueTimeout
        self.maximumChunkTokenCount = max(1, maximumChunkTokenCount)
        self.usesCache = usesCache && !isWhole
        self.isWhole = isWhole
        self.endRowCount = min(max(1, endRowCount), tokens.count)
        self.weights = weights
        self.isMember = isMember
    }
}
