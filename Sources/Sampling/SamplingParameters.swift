/// How the next token of one sequence is chosen from the model's logits.
///
/// A plain value that travels from the wire to the engine unchanged. The neutral values are the
/// defaults, with them the token is drawn from the model's own distribution. The order in which
/// the rules apply is documented at ``Sampler``.
package struct SamplingParameters: Sendable, Hashable {
    /// Divides the logits before the draw, 0...; 0 means greedy (the most likely token).
    package var temperature: Float
    /// Keeps the smallest set of tokens whose probabilities reach this sum, 0...1; 1 is off.
    package var topP: Float
    /// Keeps this many of the most likely tokens; 0 is off.
    package var topK: Int
    /// Keeps tokens at least this fraction as likely as the most likely one, 0...1; 0 is off.
    package var minP: Float
    /// Keeps the tokens whose surprise is closest to the expected one until their probabilities reach
    /// this sum, 0...1; 1 is off.
    package var typicalP: Float
    /// Leaves out the likeliest tokens now and then.
    package var xtc: XTCParameters
    /// Divides positive and multiplies negative logits of recent tokens, above 0; 1 is off.
    package var repetitionPenalty: Float
    /// Subtracted once from the logit of every token in the output, -2...2 (OpenAI's range).
    package var presencePenalty: Float
    /// Subtracted from a token's logit for each time it occurs in the output, -2...2.
    package var frequencyPenalty: Float
    /// How many of the last prompt and output tokens `repetitionPenalty` looks at, 0....
    package var penaltyWindow: Int
    /// Penalises what would repeat a sequence of tokens.
    package var dry: DRYParameters
    /// Added to the logits of these tokens, -100...100 each (OpenAI's range).
    package var logitBias: [Int32: Float]
    /// Makes the draws repeatable; nil lets the engine choose a seed for the sequence.
    package var seed: UInt64?

    /// Makes parameters; everything left out has its neutral value.
    package init(
        temperature: Float = 1,
        topP: Float = 1,
        topK: Int = 0,
        minP: Float = 0,
        typicalP: Float = 1,
        xtc: XTCParameters = XTCParameters(),
        repetitionPenalty: Float = 1,
        presencePenalty: Float = 0,
        frequencyPenalty: Float = 0,
        penaltyWindow: Int = 64,
        dry: DRYParameters = DRYParameters(),
        logitBias: [Int32: Float] = [:],
        seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.typicalP = typicalP
        self.xtc = xtc
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.penaltyWindow = penaltyWindow
        self.dry = dry
        self.logitBias = logitBias
        self.seed = seed
    }
}
