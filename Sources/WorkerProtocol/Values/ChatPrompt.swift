package import JSON

/// A conversation as the client sent it, for the model's chat template, and what the answer may be.
package struct ChatPrompt: Sendable, Hashable {
    /// An array of message objects, in the order and with the keys the client sent.
    package var messages: JSONValue
    /// An array of tool objects that the answer may call, or nil.
    package var tools: JSONValue?
    /// Whether the prompt ends with the start of the assistant's answer.
    package var addGenerationPrompt: Bool
    /// Whether the answer goes on with the last message, which is the assistant's.
    package var continuesFinalMessage: Bool
    /// Further variables for the template, for example `enable_thinking`.
    package var templateArguments: JSONObject
    /// Which of the tools the answer must call; without effect when there are none.
    package var toolChoice: ToolChoice
    /// Whether the answer may hold more than one call.
    package var allowsParallelToolCalls: Bool
    /// How many tokens of reasoning there may be, 0 or more; nil: as many as the model likes.
    package var reasoningBudget: Int?

    /// Makes a conversation that asks for the assistant's next message.
    package init(
        messages: JSONValue,
        tools: JSONValue? = nil,
        addGenerationPrompt: Bool = true,
        continuesFinalMessage: Bool = false,
        templateArguments: JSONObject = [:],
        toolChoice: ToolChoice = .automatic,
        allowsParallelToolCalls: Bool = true,
        reasoningBudget: Int? = nil
    ) {
        self.messages = messages
        self.tools = tools
        self.addGenerationPrompt = addGenerationPrompt
        self.continuesFinalMessage = continuesFinalMessage
        self.templateArguments = templateArguments
        self.toolChoice = toolChoice
        self.allowsParallelToolCalls = allowsParallelToolCalls
        self.reasoningBudget = reasoningBudget
    }
}

/// Whether an answer calls tools, and which.
package enum ToolChoice: Sendable, Hashable {
    /// The model decides.
    case automatic
    /// At least one.
    case required
    /// The one of this name, once.
    case named(String)
}
