/// A worker's counters, sent with every heartbeat.
///
/// Totals count from the worker's start.
package struct WorkerStatus: Sendable, Hashable {
    /// Sequences that compute.
    package var runningCount: Int
    /// Sequences that wait for a place.
    package var waitingCount: Int
    /// Prompt tokens of the sequences that wait.
    package var waitingTokenCount: Int
    /// KV blocks that sequences use.
    package var kvBlocksInUse: Int
    /// KV blocks that are kept for a later prompt with the same beginning.
    package var kvBlocksCached: Int
    /// KV blocks there are.
    package var kvBlockCount: Int
    /// Prompt tokens computed.
    package var promptTokenTotal: Int
    /// Output tokens generated.
    package var outputTokenTotal: Int
    /// Steps of the engine.
    package var stepTotal: Int
    /// Sequences whose KV blocks were taken back.
    package var preemptionTotal: Int
    /// Prompt tokens that the prefix cache spared.
    package var cachedTokenTotal: Int
    /// Prompt tokens that the prefix cache was asked for.
    package var lookedUpTokenTotal: Int
    /// Guessed tokens that were computed.
    package var draftTokenTotal: Int
    /// Guessed tokens that were right.
    package var acceptedDraftTokenTotal: Int
    /// Nanoseconds in which the engine computed, from a step's plan to its last token.
    package var busyNanosecondTotal: Int

    /// Makes a value; everything left out is 0.
    package init(
        runningCount: Int = 0,
        waitingCount: Int = 0,
        waitingTokenCount: Int = 0,
        kvBlocksInUse: Int = 0,
        kvBlocksCached: Int = 0,
        kvBlockCount: Int = 0,
        promptTokenTotal: Int = 0,
        outputTokenTotal: Int = 0,
        stepTotal: Int = 0,
        preemptionTotal: Int = 0,
        cachedTokenTotal: Int = 0,
        lookedUpTokenTotal: Int = 0,
        draftTokenTotal: Int = 0,
        acceptedDraftTokenTotal: Int = 0,
        busyNanosecondTotal: Int = 0
    ) {
        self.runningCount = runningCount
        self.waitingCount = waitingCount
        self.waitingTokenCount = waitingTokenCount
        self.kvBlocksInUse = kvBlocksInUse
        self.kvBlocksCached = kvBlocksCached
        self.kvBlockCount = kvBlockCount
        self.promptTokenTotal = promptTokenTotal
        self.outputTokenTotal = outputTokenTotal
        self.stepTotal = stepTotal
        self.preemptionTotal = preemptionTotal
        self.cachedTokenTotal = cachedTokenTotal
        self.lookedUpTokenTotal = lookedUpTokenTotal
        self.draftTokenTotal = draftTokenTotal
        self.acceptedDraftTokenTotal = acceptedDraftTokenTotal
        self.busyNanosecondTotal = busyNanosecondTotal
    }
}
