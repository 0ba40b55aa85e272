package import Grammars
package import Sampling

/// One generation as the gateway asks a worker for it: a prompt, how to sample, when to stop.
package struct GenerationRequest: Sendable, Hashable {
    /// Names the generation on this worker's connection; unique while the generation lives.
    package var id: UInt64
    /// What the model continues.
    package var prompt: Prompt
    /// The name of the adapter that it is computed with; nil: the model alone.
    package var adapter: String?
    /// A text that much of the output is expected to equal, which can make it faster; never changes
    /// it.
    package var prediction: String?
    /// How tokens are chosen.
    package var sampling: SamplingParameters
    /// The most output tokens; nil or more than the context has left means up to the context.
    package var maximumOutputTokens: Int?
    /// The fewest output tokens before an end-of-generation token may end the output.
    package var minimumOutputTokens: Int
    /// The output ends before the first occurrence of any of these; empty strings are refused.
    package var stopStrings: [String]
    /// Whether end-of-generation tokens are ordinary tokens.
    package var ignoresEndOfGeneration: Bool
    /// How many alternatives come with each token's log-probability, 0...20; nil: no
    /// log-probabilities at all.
    package var topLogprobCount: Int?
    /// Whether the prompt's text (and log-probabilities, if asked for) comes before the output.
    package var echo: Bool
    /// What the output must look like, up to its end; nil: anything.
    package var constraint: GrammarExpression?
    /// Who is charged for it.
    package var account: GenerationAccount
    /// How long it may wait for its first step; nil: as long as it takes.
    package var queueTimeout: Duration?

    /// Makes a request; everything left out is off.
    package init(
        id: UInt64,
        prompt: Prompt,
        adapter: String? = nil,
        prediction: String? = nil,
        sampling: SamplingParameters = SamplingParameters(),
        maximumOutputTokens: Int? = nil,
        minimumOutputTokens: Int = 0,
        stopStrings: [String] = [],
        ignoresEndOfGeneration: Bool = false,
        topLogprobCount: Int? = nil,
        echo: Bool = false,
        constraint: GrammarExpression? = nil,
        account: GenerationAccount = GenerationAccount(),
        queueTimeout: Duration? = nil
    ) {
        self.id = id
        self.prompt = prompt
        self.adapter = adapter
        self.prediction = prediction
        self.sampling = sampling
        self.maximumOutputTokens = maximumOutputTokens
        self.minimumOutputTokens = minimumOutputTokens
        self.stopStrings = stopStrings
        self.ignoresEndOfGeneration = ignoresEndOfGeneration
        self.topLogprobCount = topLogprobCount
        self.echo = echo
        self.constraint = constraint
        self.account = account
        self.queueTimeout = queueTimeout
    }

    /// The most alternatives a request may ask for with `topLogprobCount` (OpenAI's limit).
    package static let maximumTopLogprobCount = 20
}

/// What a model continues, before the worker has encoded it.
package enum Prompt: Sendable, Hashable {
    /// A conversation, rendered with the model's chat template.
    case chat(ChatPrompt)
    /// Plain text; the worker adds the beginning token if the model wants one. Control tokens
    /// are not recognised in it.
    case text(String)
    /// Token ids, used as they are.
    case tokens([Int32])
    /// A gap between two plain texts, to be filled; for models that were trained to do so.
    case gap(before: String, after: String)
}
