package import JSON

/// A conversation's layout in the Jinja dialect that model files carry, read once and rendered often.
///
/// It renders what Hugging Face's `transformers` renders (its sandboxed environment with `trim_blocks`,
/// `lstrip_blocks` and loop controls). Safe from any thread; a rendering shares nothing with another.
package final class ChatTemplate: Sendable {
    private let limits: ChatTemplateLimits
    private let source: [Unicode.Scalar]
    private let tree: TemplateTree

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
        guard source.utf8.count <= limits.maximumSourceByteCount else {
            throw ChatTemplateError(
                .limit,
                "the chat template has \(source.utf8.count) bytes, at most "
                    + "\(limits.maximumSourceByteCount) are allowed"
            )
        }
        self.limits = limits
        self.source = TemplateLexer.normalize(source)
        tree = try TemplateParser.parse(self.source)
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
        var size = ArgumentSize()
        let names = Set(tree.names)
        var variables: [(name: String, value: TemplateValue)] = [
            ("tools", .none), ("documents", .none), ("add_generation_prompt", .bool(false)),
        ]
        for (name, value) in arguments.members where names.contains(name) {
            let argument = name == "messages" ? Self.withReasoningAliases(value) : value
            variables.append((name, TemplateValue(argument, isTrusted: false, size: &size)))
        }
        for (name, value) in specialTokens.members where names.contains(name) {
            variables.append((name, TemplateValue(value, isTrusted: true, size: &size)))
        }
        let meter = RenderMeter(
            limits: limits,
            argumentNodeCount: size.nodeCount,
            argumentByteCount: size.byteCount
        )
        let evaluator = Evaluator(tree: tree, source: source, meter: meter, now: now)
        for (name, value) in variables { evaluator.define(name, value) }
        return RenderedPrompt(try evaluator.render())
    }

    /// The messages with an assistant's reasoning under the names that templates read: `transformers`
    /// fills in `reasoning_content` and `thinking` from whichever of three names was given.
    private static func withReasoningAliases(_ messages: JSONValue) -> JSONValue {
        guard case .array(let elements) = messages else { return messages }
        return .array(
            elements.map { element in
                guard case .object(let message) = element,
                    let reasoning = ["reasoning_content", "thinking", "reasoning"].lazy
                        .compactMap({ message[$0] }).first(where: { !$0.isNull })
                else { return element }
                var aliased: JSONObject = ["thinking": reasoning]
                for (key, value) in message.members { aliased[key] = value }
                aliased["reasoning_content"] = reasoning
                return .object(aliased)
            }
        )
    }
}

extension RenderedPrompt {
    init(_ text: MarkedText) {
        runs = text.runs.map { run in
            Run(
                text: String(decoding: text.bytes[run.range], as: UTF8.self),
                isTrusted: run.isTrusted
            )
        }
    }
}
