package import ChatTemplates

/// How the engine reads an answer that has parts, and what it enforces in it.
package struct AnswerPlan: Sendable {
    /// Tells the parts apart; nothing has been read yet.
    package var parser: AnswerParser
    /// How many tokens of reasoning there may be; nil: any number.
    package var reasoningBudget: Int?
    /// The tokens that end the reasoning when the budget is used up.
    package var reasoningEnd: [Int32]

    /// Makes a plan; without a budget nothing is enforced.
    package init(
        parser: AnswerParser,
        reasoningBudget: Int? = nil,
        reasoningEnd: [Int32] = []
    ) {
        self.parser = parser
        self.reasoningBudget = reasoningBudget
        self.reasoningEnd = reasoningEnd
    }
}
