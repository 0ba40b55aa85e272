/// What happens to one generation, in this order: `accepted`, any number of `queued`, `started`,
/// deltas, then exactly one of `finished` and `failed`.
///
/// An embedding has `embedded` events in the place of deltas. The last event may come at any point, also as the first.
package enum GenerationEvent: Sendable, Hashable {
    /// The prompt is encoded, and there is room for it.
    case accepted(AdmissionState)
    /// It waits for its first step; `position` generations, itself included, are still to start.
    /// Comes when the position changes, at most about once a second.
    case queued(position: Int)
    /// The first step computes it. `cachedTokenCount` of its `promptTokenCount` tokens need no
    /// computation.
    case started(promptTokenCount: Int, cachedTokenCount: Int)
    /// More output. The text may be empty (held back for a stop string or an incomplete
    /// character). `tokens` is empty unless log-probabilities were asked for. With `echo` the
    /// prompt's text and tokens come first; the very first token's log-probability is nil.
    case delta(text: String, tokens: [TokenLogprob])
    /// More of what the model thinks before it answers; never empty. Only of a chat.
    case reasoning(text: String)
    /// The answer's call number `index`, from 0 and ascending, begins. Only of a chat with tools.
    case toolCall(index: Int, name: String)
    /// More of that call's arguments; joined they are a JSON object, unless the answer was cut off.
    case toolArguments(index: Int, text: String)
    /// What was made of text number `index` of an embedding, from 0, in any order: its vector `[E]`
    /// of length 1, or one number that scores it, 0...1. All values are finite.
    case embedded(index: Int, [Float])
    /// The generation ended well.
    case finished(FinishReason, GenerationUsage)
    /// The generation ended badly.
    case failed(GenerationFailure)

    /// Whether no further event follows.
    package var isLast: Bool {
        switch self {
        case .accepted, .queued, .started, .delta, .reasoning, .toolCall, .toolArguments, .embedded:
            false
        case .finished, .failed: true
        }
    }
}

/// A token with its log-probability under the model's own distribution: natural logarithm, over
/// the whole vocabulary, before temperature, penalties and filters.
package struct TokenLogprob: Sendable, Hashable {
    /// The token's id.
    package var token: Int32
    /// The token's text, not always whole UTF-8 sequences.
    package var bytes: [UInt8]
    /// The log-probability, 0 or less; nil for the first token of an echoed prompt.
    package var logprob: Float?
    /// The most likely tokens at this position, likeliest first; as many as were asked for.
    package var top: [TokenAlternative]

    /// Makes a value.
    package init(token: Int32, bytes: [UInt8], logprob: Float?, top: [TokenAlternative] = []) {
        self.token = token
        self.bytes = bytes
        self.logprob = logprob
        self.top = top
    }
}

/// One of the most likely tokens at a position.
package struct TokenAlternative: Sendable, Hashable {
    /// The token's id.
    package var token: Int32
    /// The token's text, not always whole UTF-8 sequences.
    package var bytes: [UInt8]
    /// The log-probability, 0 or less.
    package var logprob: Float

    /// Makes a value.
    package init(token: Int32, bytes: [UInt8], logprob: Float) {
        self.token = token
        self.bytes = bytes
        self.logprob = logprob
    }
}

/// Why a generation ended well.
package enum FinishReason: UInt8, Sendable, Hashable, CaseIterable {
    /// An end-of-generation token or a stop string.
    case stop
    /// The output limit or the context length.
    case length
    /// The gateway cancelled it.
    case cancelled
    /// As `stop`, and the answer has calls of functions.
    case toolCalls
}

/// What a generation consumed.
package struct GenerationUsage: Sendable, Hashable {
    /// Tokens of the prompt.
    package var promptTokenCount: Int
    /// How many of the prompt's tokens were not computed again.
    package var cachedTokenCount: Int
    /// Tokens generated, the end-of-generation token included.
    package var outputTokenCount: Int
    /// How many of those are reasoning.
    package var reasoningTokenCount: Int
    /// How many tokens of the predicted output, if there was one, came true.
    package var acceptedPredictionTokenCount: Int
    /// How many did not.
    package var rejectedPredictionTokenCount: Int
    /// From acceptance by the engine to the first step that computed something for it.
    package var queueDuration: Duration
    /// From there to the first output token.
    package var prefillDuration: Duration
    /// From the first output token to the last.
    package var decodeDuration: Duration

    /// Makes a value.
    package init(
        promptTokenCount: Int,
        cachedTokenCount: Int = 0,
        outputTokenCount: Int,
        reasoningTokenCount: Int = 0,
        acceptedPredictionTokenCount: Int = 0,
        rejectedPredictionTokenCount: Int = 0,
        queueDuration: Duration = .zero,
        prefillDuration: Duration = .zero,
        decodeDuration: Duration = .zero
    ) {
        self.promptTokenCount = promptTokenCount
        self.cachedTokenCount = cachedTokenCount
        self.outputTokenCount = outputTokenCount
        self.reasoningTokenCount = reasoningTokenCount
        self.acceptedPredictionTokenCount = acceptedPredictionTokenCount
        self.rejectedPredictionTokenCount = rejectedPredictionTokenCount
        self.queueDuration = queueDuration
        self.prefillDuration = prefillDuration
        self.decodeDuration = decodeDuration
    }
}
