package import JSON
package import WorkerProtocol

/// The token counts of a whole answer, over all its prompts and choices.
package struct UsageTotals: Sendable, Hashable {
    private var promptTokenCounts: [Int: Int] = [:]
    private var cachedTokenCounts: [Int: Int] = [:]
    private var outputTokenCount = 0
    private var reasoningTokenCount = 0

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
    }

    /// OpenAI's `CompletionUsage`.
    package var json: JSONValue {
        let promptCount = promptTokenCounts.values.reduce(0, +)
        return [
            "prompt_tokens": .integer(promptCount),
            "completion_tokens": .integer(outputTokenCount),
            "total_tokens": .integer(promptCount + outputTokenCount),
            "prompt_tokens_details": [
                "cached_tokens": .integer(cachedTokenCounts.values.reduce(0, +))
            ],
            "completion_tokens_details": ["reasoning_tokens": .integer(reasoningTokenCount)],
        ]
    }
}
