import Platform
import Sampling
import Scheduling
import Tokenizers
import WorkerProtocol

/// One generation inside the engine.
struct SequenceState {
    let request: GenerationRequest
    let id: SequenceID
    let adapter: AttachedAdapter?
    let promptTokenCount: Int
    /// What the output is expected to be, for guesses.
    let predictedTokens: [Int32]
    /// The most output tokens, 0....
    let maximumOutputTokenCount: Int
    /// Prompt and output.
    var tokens: [Int32]
    var sampler: Sampler
    var output: OutputAssembler
    /// Where the output is in its grammar, if it has one.
    var constraint: ConstrainedOutput?
    private var prediction: PredictionMatch
    /// Of the reasoning that is over its budget, what still ends it.
    private var forcedTokens: ArraySlice<Int32> = []
    private var reasoning: (budget: Int, end: [Int32])?
    /// Prompt tokens that were echoed with their log-probabilities; they are not repeated when
    /// the sequence is computed again after a preemption.
    var echoedTokenCount = 0

    /// Prompt tokens that needed no computation, so far.
    var cachedTokenCount = 0
    /// The place in the queue that the client was told last.
    var announcedPosition: Int?

    private let submitted: MonotonicInstant
    private var started: MonotonicInstant?
    private var firstOutput: MonotonicInstant?
    private var lastOutput: MonotonicInstant?

    init(
        _ generation: Generation,
        id: SequenceID,
        maximumOutputTokenCount: Int,
        tokenizer: Tokenizer,
        now: MonotonicInstant
    ) throws(GenerationFailure) {
        let request = generation.request
        self.request = request
        self.id = id
        adapter = generation.adapter
        self.maximumOutputTokenCount = maximumOutputTokenCount
        promptTokenCount = generation.promptTokens.count
        predictedTokens = generation.predictedTokens
        prediction = PredictionMatch(predictedTokens)
        tokens = generation.promptTokens
        sampler = Sampler(
            parameters: request.sampling,
            seed: request.sampling.seed ?? UInt64.random(in: 0...UInt64.max),
            prompt: generation.promptTokens,
            // Files with a padded vocabulary have logits for tokens that have no text.
            bytes: { Int($0) < tokenizer.vocabularySize ? tokenizer.bytes(of: $0) : [] }
        )
        constraint = try generation.constraint.map { constraint throws(GenerationFailure) in
            try ConstrainedOutput(constraint)
        }
        output = OutputAssembler(
            tokenizer: tokenizer,
            stopStrings: request.stopStrings,
            parser: generation.answer?.parser,
            continuesText: Self.continuesText(request)
        )
        if let answer = generation.answer, let budget = answer.reasoningBudget {
            reasoning = (budget, answer.reasoningEnd)
        }
        submitted = now
    }

    /// Whether what leaves first goes on with a text, so that a space in front of it counts.
    private static func continuesText(_ request: GenerationRequest) -> Bool {
        switch request.prompt {
        case .text, .tokens: !request.echo
        case .gap: true
        case .chat(let chat): chat.continuesFinalMessage
        }
    }

    var outputTokenCount: Int { tokens.count - promptTokenCount }

    /// Whether the logits of the prompt's tokens are wanted too.
    var echoesLogprobs: Bool { request.echo && request.topLogprobCount != nil }

    /// Whether some of those are still missing.
    var hasPromptLogprobsToEcho: Bool { echoesLogprobs && echoedTokenCount < promptTokenCount }

    var hasStarted: Bool { started != nil }

    mutating func start(now: MonotonicInstant) { started = started ?? now }

    /// The token that must come next, whatever the model says: reasoning that has used up its budget
    /// is ended, once.
    mutating func takeForcedToken() -> Int32? {
        if let limit = reasoning, output.isReasoning, output.reasoningTokenCount >= limit.budget {
            forcedTokens = limit.end[...]
            reasoning = nil
        }
        return forcedTokens.popFirst()
    }

    mutating func appendOutput(_ token: Int32, now: MonotonicInstant) {
        tokens.append(token)
        sampler.accept(token)
        prediction.take(token)
        firstOutput = firstOutput ?? now
        lastOutput = now
    }

    func usage(now: MonotonicInstant) -> GenerationUsage {
        GenerationUsage(
            promptTokenCount: promptTokenCount,
            cachedTokenCount: cachedTokenCount,
            outputTokenCount: outputTokenCount,
            reasoningTokenCount: output.reasoningTokenCount,
            acceptedPredictionTokenCount: prediction.acceptedTokenCount,
            rejectedPredictionTokenCount: prediction.rejectedTokenCount,
            queueDuration: (started ?? now).duration(since: submitted),
            prefillDuration: started.map { (firstOutput ?? now).duration(since: $0) } ?? .zero,
            decodeDuration: firstOutput.map { (lastOutput ?? now).duration(since: $0) } ?? .zero
        )
    }
}
