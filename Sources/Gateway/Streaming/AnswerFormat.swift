import JSON
import OpenAIAPI
import WorkerProtocol

/// How one endpoint writes the events of generations.
///
/// Pure: it keeps what the wire rules need to remember, such as the text offset of each choice.
protocol AnswerFormat: Sendable {
    /// The member of the request that holds the prompt, for error messages.
    var promptParameter: String { get }
    /// Whether each answer begins with its prompt.
    var echoesPrompt: Bool { get }
    /// The chunk that begins a choice, if there is one.
    func openingChunk(choice: Int) -> JSONValue?
    /// A chunk with more output; nil for an event that is none.
    mutating func chunk(choice: Int, _ event: GenerationEvent) -> JSONValue?
    /// The last chunk of a choice.
    mutating func finishChunk(choice: Int, reason: FinishReason) -> JSONValue
    /// The chunk after all choices that tells the usage.
    func usageChunk(_ usage: UsageTotals) -> JSONValue
    /// A choice of a whole answer.
    func wholeChoice(_ choice: Int, _ answer: ChatAnswer) -> JSONValue
    /// The whole answer.
    func whole(choices: [JSONValue], usage: UsageTotals) -> JSONValue
}

/// The format of `/v1/chat/completions`.
struct ChatAnswerFormat: AnswerFormat {
    let response: ChatCompletionResponse

    var promptParameter: String { "messages" }
    var echoesPrompt: Bool { false }

    func openingChunk(choice: Int) -> JSONValue? { response.roleChunk(index: choice) }

    func chunk(choice: Int, _ event: GenerationEvent) -> JSONValue? {
        switch event {
        case .delta(let text, let tokens):
            response.contentChunk(index: choice, text: text, tokens: tokens)
        case .reasoning(let text): response.reasoningChunk(index: choice, text: text)
        case .toolCall(let call, let name):
            // The older form has room for one call.
            response.usesFunctions && call > 0
                ? nil : response.callChunk(index: choice, call: call, name: name)
        case .toolArguments(let call, let text):
            response.usesFunctions && call > 0
                ? nil : response.argumentsChunk(index: choice, call: call, text: text)
        case .accepted, .queued, .started, .embedded, .finished, .failed: nil
        }
    }

    func finishChunk(choice: Int, reason: FinishReason) -> JSONValue {
        response.finishChunk(index: choice, reason: reason)
    }

    func usageChunk(_ usage: UsageTotals) -> JSONValue { response.usageChunk(usage) }

    func wholeChoice(_ choice: Int, _ answer: ChatAnswer) -> JSONValue {
        response.choice(index: choice, answer: answer)
    }

    func whole(choices: [JSONValue], usage: UsageTotals) -> JSONValue {
        response.completion(choices: choices, usage: usage)
    }
}

/// The format of `/v1/completions`.
struct TextAnswerFormat: AnswerFormat {
    let response: CompletionResponse
    let echoesPrompt: Bool
    /// Where the next token of a choice begins in its text, in Unicode scalars.
    private var textOffsets: [Int: Int] = [:]

    init(response: CompletionResponse, echoesPrompt: Bool) {
        self.response = response
        self.echoesPrompt = echoesPrompt
    }

    var promptParameter: String { "prompt" }

    func openingChunk(choice: Int) -> JSONValue? { nil }

    mutating func chunk(choice: Int, _ event: GenerationEvent) -> JSONValue? {
        // A text completion has no parts.
        guard case .delta(let text, let tokens) = event else { return nil }
        return chunk(choice: choice, text: text, tokens: tokens, reason: nil)
    }

    mutating func finishChunk(choice: Int, reason: FinishReason) -> JSONValue {
        chunk(choice: choice, text: "", tokens: [], reason: reason)
    }

    func usageChunk(_ usage: UsageTotals) -> JSONValue {
        response.completion(choices: [], usage: usage)
    }

    func wholeChoice(_ choice: Int, _ answer: ChatAnswer) -> JSONValue {
        var textOffset = 0
        return response.choice(
            index: choice,
            text: answer.content,
            tokens: answer.tokens,
            textOffset: &textOffset,
            finishReason: answer.finishReason,
            isWhole: true
        )
    }

    func whole(choices: [JSONValue], usage: UsageTotals) -> JSONValue {
        response.completion(choices: choices, usage: usage)
    }

    private mutating func chunk(
        choice: Int,
        text: String,
        tokens: [TokenLogprob],
        reason: FinishReason?
    ) -> JSONValue {
        let added = response.choice(
            index: choice,
            text: text,
            tokens: tokens,
            textOffset: &textOffsets[choice, default: 0],
            finishReason: reason,
            isWhole: false
        )
        return response.completion(choices: [added], usage: nil)
    }
}
