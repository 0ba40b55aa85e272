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
}
