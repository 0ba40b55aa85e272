import Grammars
import Inference
import Tokenizers

/// A prompt as the engine takes it.
struct EncodedPrompt {
    /// The beginning token included, if the model wants one.
    var tokens: [TokenID]
    /// How the answer is read; nil: all of it is text.
    var answer: AnswerPlan?
    /// What the output is held to.
    var constraint: GrammarExpression?
    /// How the answer is read without the constraint, if nobody asked for it; nil: a constraint that
    /// cannot be followed is an error.
    var fallback: AnswerPlan?
}
