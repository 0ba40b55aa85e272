/// Bounds on what one request may ask for, with their defaults.
package struct RequestLimits: Sendable, Hashable {
    /// Choices per prompt, `n`: 8.
    package var maximumChoiceCount = 8
    /// `best_of` at most (OpenAI's limit): 20.
    package var maximumGeneratedCount = 20
    /// Generations of one request, prompts times `n`: 128.
    package var maximumGenerationCount = 128
    /// Texts of one embedding or rerank request: 2,048, OpenAI's limit.
    package var maximumInputCount = 2048
    /// Stop strings: 4, OpenAI's limit.
    package var maximumStopCount = 4
    /// Length of one stop string, in bytes of UTF-8: 1,024.
    package var maximumStopByteCount = 1024
    /// Tools: 128, OpenAI's limit.
    package var maximumToolCount = 128
    /// Entries of `logit_bias`: 1,024.
    package var maximumLogitBiasCount = 1024
    /// Messages of a conversation: 8,192.
    package var maximumMessageCount = 8192
    /// Entries of `chat_template_kwargs`: 32.
    package var maximumTemplateArgumentCount = 32

    /// The defaults.
    package init() {}
}
