package import JSON

/// A conversation's layout in the Jinja dialect that model files carry, read once and rendered often.
///
/// It renders what Hugging Face's `transformers` renders (its sandboxed environment with `trim_blocks`,
/// `lstrip_blocks` and loop controls). Safe from any thread; a rendering shares nothing with another.
package final class ChatTemplate: Sendable {
    let limits: ChatTemplateLimits

    /// Reads a template's source.
    ///
    /// - Parameters:
    ///   - source: The text of `tokenizer.chat_template`.
    ///   - limits: Bounds on the source and on each rendering.
    /// - Throws: `ChatTemplateError` with the line and column of the fault.
    package init(
        source: String,
        limits: ChatTemplateLimits = .default
    ) throws(ChatTemplateError) {
        self.limits = limits
    }

    /// Lays a conversation out.
    ///
    /// - Parameters:
    ///   - arguments: `messages`, `tools`, `add_generation_prompt` and whatever else the template
    ///     reads; all of it is untrusted. `tools` and `documents` are `none` and
    ///     `add_generation_prompt` is false unless given.
    ///   - specialTokens: `bos_token`, `eos_token` and the like from the model file; trusted, and
    ///     stronger than an argument of the same name.
    ///   - now: Local time for `strftime_now`.
    /// - Returns: The prompt in runs of one provenance each.
    /// - Throws: `ChatTemplateError`; its kind is `.raised` when the template refuses the conversation.
    package func render(
        _ arguments: JSONObject,
        specialTokens: JSONObject = [:],
        now: ChatTemplateDate
    ) throws(ChatTemplateError) -> RenderedPrompt {
        throw ChatTemplateError(.unsupported, "chat templates cannot be rendered yet")
    }
}
