package import JSON
package import WorkerProtocol

/// The token counts of a whole answer, over all its prompts and choices.
package struct UsageTotals: Sendable, Hashable {
    private var promptTokenCounts: [Int: Int] = [:]
    private var cachedTokenCounts: [Int: Int] = [:]
    /// Tokens of all outputs.
    package private(set) var outputTokenCount = 0
    private var reasoningTokenCount = 0
    private var acceptedPredictionTokenCount = 0
    private var rejectedPredictionTokenCount = 0

    /// Nothing counted yet.
    package init() {}

    /// Counts one finished generation.
    ///
    /// A prompt counts once, however many choices continue it.
    package mutating func add(_ usage: GenerationUsage, prompt: Int) {
        promptTokenCounts[prompt] = usage.promptTokenCount
        // The first choice of a prompt pays for it; the others find it in the cache.
        let cached = cachedTokenCounts[prompt] ?? usage.cachedTokenCount
        cachedTokenCounts[prompt] = min(cached, usage.cachedTokenCount)
        outputTokenCount += usage.outputTokenCount
        reasoningTokenCount += usage.reasoningTokenCount
        acceptedPredictionTokenCount += usage.acceptedPredictionTokenCount
        rejectedPredictionTokenCount += usage.rejectedPredictionTokenCount
    }

    /// Tokens of all prompts.
    package var promptTokenCount: Int { promptTokenCounts.values.reduce(0, +) }

    /// How many of them needed no computation.
    package var cachedTokenCount: Int { cachedTokenCounts.values.reduce(0, +) }

    /// OpenAI's `CompletionUsage`.
    package var json: JSONValue {
        [
            "prompt_tokens": .integer(promptTokenCount),
            "completion_tokens": .integer(outputTokenCount),
            "total_tokens": .integer(promptTokenCount + outputTokenCount),
            "prompt_tokens_details": [
                "cached_tokens": .integer(cachedTokenCount)
            ],
            "completion_tokens_details": [
                "reasoning_tokens": .integer(reasoningTokenCount),
                "accepted_prediction_tokens": .integer(acceptedPredictionTokenCount),
                "rejected_prediction_tokens": .integer(rejectedPredictionTokenCount),
            ],
        ]
    }
}
