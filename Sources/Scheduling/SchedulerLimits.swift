package import WorkerProtocol

/// Bounds on what the scheduler admits and plans.
package struct SchedulerLimits: Sendable, Hashable {
    /// How long a step shall take at most while somebody waits for a next token; 60 ms.
    ///
    /// If the next tokens alone take longer, prompts may add 30 % to that.
    package var interTokenTarget: Duration
    /// How long a step shall take at most while there are only prompts; 150 ms.
    ///
    /// A cancellation, and somebody else's first token, wait for the running step.
    package var promptStepTarget: Duration
    /// The most tokens of a step; 512, which is what a forward pass takes.
    package var stepTokenCount: Int
    /// Layers of the model, between which a whole sequence can pause; 1.
    package var layerCount: Int
    /// The most whole sequences that are computed in parts at the same time, those of less urgent
    /// classes not counted; 4.
    package var partedSequenceCount: Int
    /// The fewest prompt tokens of a step with a prompt, even if the time is used up; 4.
    package var minimumPromptTokenCount: Int
    /// The most sequences that compute at the same time; 32.
    package var runningCount: Int
    /// What may be under way in all.
    package var queue: QueueLimits
    /// Output tokens for which blocks must be free before a sequence is admitted; 64.
    ///
    /// Fewer preemptions follow from more.
    package var reservedOutputTokenCount: Int
    /// A class of which nobody was admitted for so long though somebody waits has its turn with
    /// the most urgent one; 30 s.
    package var turnInterval: Duration
    /// How long blocks are kept for a next prompt with the same beginning; 5 minutes.
    package var cacheRetention: Duration
    /// Whether next tokens are guessed where it pays.
    package var guessesTokens: Bool
    /// The most tokens guessed at a time; 8.
    package var guessedTokenCount: Int

    /// Makes limits; everything left out has its default, and every count is at least 1.
    package init(
        interTokenTarget: Duration = .milliseconds(60),
        promptStepTarget: Duration = .milliseconds(150),
        stepTokenCount: Int = 512,
        layerCount: Int = 1,
        partedSequenceCount: Int = 4,
        minimumPromptTokenCount: Int = 4,
        runningCount: Int = 32,
        queue: QueueLimits = QueueLimits(),
        reservedOutputTokenCount: Int = 64,
        turnInterval: Duration = .seconds(30),
        cacheRetention: Duration = .seconds(300),
        guessesTokens: Bool = false,
        guessedTokenCount: Int = 8
    ) {
        self.interTokenTarget = interTokenTarget
        self.promptStepTarget = promptStepTarget
        self.layerCount = max(1, layerCount)
        self.partedSequenceCount = max(1, partedSequenceCount)
        self.runningCount = max(1, runningCount)
        self.minimumPromptTokenCount = max(1, minimumPromptTokenCount)
        // Each running sequence can get its token in every step, and a prompt its minimum.
        self.stepTokenCount = max(stepTokenCount, self.runningCount + 1)
        self.queue = queue
        self.reservedOutputTokenCount = max(1, reservedOutputTokenCount)
        self.turnInterval = max(turnInterval, .milliseconds(1))
        self.cacheRetention = cacheRetention
        self.guessesTokens = guessesTokens
        self.guessedTokenCount = max(1, guessedTokenCount)
    }
}
