package import Grammars
package import WorkerProtocol

/// A generation whose prompt is encoded: what the engine takes.
package struct Generation: Sendable {
    /// The request; its `prompt` is not looked at any more.
    package let request: GenerationRequest
    /// The prompt's tokens.
    package let promptTokens: [Int32]
    /// What the output is expected to be, made of the request's `prediction`.
    package let predictedTokens: [Int32]
    /// What the output follows, made of the request's `constraint`.
    package let constraint: TokenConstraint?
    /// How the answer is read; nil: all of it is text.
    package let answer: AnswerPlan?
    /// What is added to the model's weights for it; nil: nothing.
    package let adapter: AttachedAdapter?

    /// Joins a request with its encoded prompt.
    package init(
        request: GenerationRequest,
        promptTokens: [Int32],
        predictedTokens: [Int32] = [],
        constraint: TokenConstraint? = nil,
        answer: AnswerPlan? = nil,
        adapter: AttachedAdapter? = nil
    ) {
        self.request = request
        self.promptTokens = promptTokens
        self.predictedTokens = predictedTokens
        self.constraint = constraint
        self.answer = answer
        self.adapter = adapter
    }
}
