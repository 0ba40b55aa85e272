package import WorkerProtocol

/// A generation whose prompt is encoded: what the engine takes.
package struct Generation: Sendable {
    /// The request; its `prompt` is not looked at any more.
    package let request: GenerationRequest
    /// The prompt's tokens.
    package let promptTokens: [Int32]
    /// How the answer is read; nil: all of it is text.
    package let answer: AnswerPlan?

    /// Joins a request with its encoded prompt.
    package init(
        request: GenerationRequest,
        promptTokens: [Int32],
        answer: AnswerPlan? = nil
    ) {
        self.request = request
        self.promptTokens = promptTokens
        self.answer = answer
    }
}
