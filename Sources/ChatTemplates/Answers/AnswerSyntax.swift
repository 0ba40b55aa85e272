/// How a model marks the parts of its answers.
///
/// Data, from which both the parser of answers and the grammars that force calls are made. Chosen by
/// what the model's chat template contains: see ``detect(in:)``.
package struct AnswerSyntax: Sendable, Hashable {
    /// What stands around the reasoning, nil for a model that has none (or marks it by channels).
    package var reasoning: ReasoningSyntax?
    /// How calls are written, nil for a model that makes none (or marks them by channels).
    package var toolCalls: ToolCallSyntax?
    /// Whether, and how, the whole answer is cut into messages with headers.
    package var channels: ChannelSyntax?
    /// Markers without a meaning for the reader; they are dropped.
    package var silentMarkers: [String]
    /// Whether the template itself tells the model of tools.
    package var describesTools: Bool

    /// Makes a syntax; what is left out is not marked.
    package init(
        reasoning: ReasoningSyntax? = nil,
        toolCalls: ToolCallSyntax? = nil,
        channels: ChannelSyntax? = nil,
        silentMarkers: [String] = [],
        describesTools: Bool = false
    ) {
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.channels = channels
        self.silentMarkers = silentMarkers
        self.describesTools = describesTools
    }

    /// What ends the reasoning when it has to be cut short.
    package var reasoningEnd: String {
        if channels == .harmony { return "<|end|><|start|>assistant" }
        return reasoning.map { "\n\($0.end)\n\n" } ?? ""
    }
}

/// The markers around a model's reasoning.
package struct ReasoningSyntax: Sendable, Hashable {
    /// Begins it, such as `<think>`.
    package var start: String
    /// Ends it, such as `</think>`.
    package var end: String

    /// The markers `start` and `end`, neither of them empty.
    package init(start: String, end: String) {
        self.start = start
        self.end = end
    }
}

/// Answers made of messages, each with a header that says for whom it is.
package enum ChannelSyntax: Sendable, Hashable {
    /// OpenAI's harmony: `<|channel|>analysis<|message|>…<|end|><|start|>assistant…`; a recipient
    /// `to=functions.NAME` makes a message a call.
    case harmony
    /// functionary 3.2: `all` or a function's name, a newline, the message; `>>>` before the next.
    case functionary
}
