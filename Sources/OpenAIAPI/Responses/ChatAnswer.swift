package import WorkerProtocol

/// One whole choice of a chat's answer.
package struct ChatAnswer: Sendable, Hashable {
    /// A call of a function.
    package struct ToolCall: Sendable, Hashable {
        /// `call_` and 24 random characters.
        package let id: String
        /// The function's name.
        package let name: String
        /// A JSON object in a string, unless the answer was cut off.
        package var arguments = ""
    }

    /// Text for the reader.
    package var content = ""
    /// What the model thought before.
    package var reasoning = ""
    /// Calls, in order.
    package var toolCalls: [ToolCall] = []
    /// Tokens of the content.
    package var tokens: [TokenLogprob] = []
    /// Why it ended.
    package var finishReason = FinishReason.stop

    /// An empty answer.
    package init() {}

    /// Adds what happened; events that are no output change nothing.
    package mutating func receive(_ event: GenerationEvent) {
        switch event {
        case .delta(let text, let tokens):
            content += text
            self.tokens += tokens
        case .reasoning(let text): reasoning += text
        case .toolCall(_, let name):
            toolCalls.append(ToolCall(id: Self.newCallID(), name: name))
        case .toolArguments(let index, let text):
            if toolCalls.indices.contains(index) { toolCalls[index].arguments += text }
        case .finished(let reason, _): finishReason = reason
        case .accepted, .queued, .started, .embedded, .failed: break
        }
    }

    static func newCallID() -> String { ResponseIdentity.randomID("call_", characterCount: 24) }
}
