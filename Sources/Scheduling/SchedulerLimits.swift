/// Bounds on what the scheduler admits and plans.
package struct SchedulerLimits: Sendable, Hashable {
    /// The most tokens of a step while no sequence decodes; 256.
    ///
    /// Larger steps compute a prompt hardly faster, but a cancellation waits for the running step.
    package var stepTokenCount: Int
    /// The most prompt tokens of a step while sequences decode; 64, so that a long prompt delays
    /// the next token of the others only a little.
    package var stepPromptTokenCountWhileDecoding: Int
    /// The most sequences that compute at the same time; 16.
    package var runningCount: Int
    /// The most sequences that wait; 256.
    ///
    /// Further ones are rejected.
    package var waitingCount: Int
    /// Output tokens for which blocks must be free before a sequence is admitted; 64.
    ///
    /// Fewer preemptions follow from more.
    package var reservedOutputTokenCount: Int

    /// Makes limits; everything left out has its default, and every value is at least 1.
    package init(
        stepTokenCount: Int = 256,
        stepPromptTokenCountWhileDecoding: Int = 64,
        runningCount: Int = 16,
        waitingCount: Int = 256,
        reservedOutputTokenCount: Int = 64
    ) {
        self.runningCount = max(1, runningCount)
        // Each running sequence can get its token in every step.
        self.stepTokenCount = max(1, stepTokenCount, self.runningCount)
        self.stepPromptTokenCountWhileDecoding = max(1, stepPromptTokenCountWhileDecoding)
        self.waitingCount = max(1, waitingCount)
        self.reservedOutputTokenCount = max(1, reservedOutputTokenCount)
    }
}
