import ChatTemplates
import Grammars
import JSON
import ModelFiles
import Tokenizers
import WorkerProtocol

/// Prompts to tokens and back, by the model's own template and vocabulary.
///
/// Immutable and safe from any thread.
final class PromptEncoder: Sendable {
    let tokenizer: Tokenizer
    /// The chat template's source, nil if the model has none and none suits it.
    let templateSource: String?
    private let format: ChatFormat?
    /// What stands around texts to embed.
    private let frame: TextFrame
    /// Why there is no template although the file has one.
    let templateProblem: String?

    /// Reads vocabulary and template of a model's file.
    convenience init(_ metadata: GGUFMetadata) throws {
        let tokenizer = try Tokenizer(metadata: metadata)
        self.init(
            tokenizer: tokenizer,
            templateSource: try metadata.string("tokenizer.chat_template"),
            frame: try TextFrame(metadata: metadata, tokenizer: tokenizer)
        )
    }

    /// Parses the chat template; one that does not parse costs the chat, not the model.
    ///
    /// - Parameters:
    ///   - tokenizer: The model's.
    ///   - templateSource: `tokenizer.chat_template`, if the file has it.
    ///   - frame: What stands around texts to embed.
    init(tokenizer: Tokenizer, templateSource: String?, frame: TextFrame = TextFrame()) {
        self.tokenizer = tokenizer
        self.frame = frame
        let source = templateSource ?? DefaultChatTemplate.source(for: tokenizer)
        self.templateSource = source
        var specialTokens: JSONObject = [:]
        if let text = Self.text(of: tokenizer.beginningToken, tokenizer) {
            specialTokens["bos_token"] = .string(text)
        }
        if let text = Self.text(of: tokenizer.endToken, tokenizer) {
            specialTokens["eos_token"] = .string(text)
        }
        var format: ChatFormat?
        var problem: String?
        if let source {
            do throws(ChatTemplateError) {
                format = try ChatFormat(source: source, specialTokens: specialTokens)
            } catch {
                problem = "\(error)"
            }
        }
        self.format = format
        templateProblem = problem
    }

    /// The tokens of a request's prompt, and how its answer is to be read.
    ///
    /// What the output is held to beside `constraint` follows from the conversation's tools.
    ///
    /// A chat template may write the beginning token itself; it is not doubled then. An empty
    /// text becomes the beginning token, or the end token if the vocabulary has no other: a model
    /// must be given something to continue.
    func encode(
        _ prompt: Prompt,
        constraint: GrammarExpression? = nil,
        now: ChatTemplateDate
    ) throws(GenerationFailure) -> EncodedPrompt {
        switch prompt {
        case .tokens(let tokens): return EncodedPrompt(tokens: tokens, constraint: constraint)
        case .text(let text):
            let tokens = withBeginning(tokenizer.encode(text, specialTokens: false))
            if !tokens.isEmpty { return EncodedPrompt(tokens: tokens, constraint: constraint) }
            let only = tokenizer.beginningToken ?? tokenizer.endToken
            return EncodedPrompt(tokens: [only].compactMap { $0 }, constraint: constraint)
        case .gap(let before, let after):
            return EncodedPrompt(tokens: try gap(before, after), constraint: constraint)
        case .chat(let chat):
            let rendered = try render(chat, now: now)
            let runs = rendered.runs.map {
                PromptText.Run(text: $0.text, isTrusted: $0.isTrusted)
            }
            var encoded = EncodedPrompt(
                tokens: withBeginning(tokenizer.encode(PromptText(runs: runs))),
                constraint: constraint
            )
            if let format { format.plan(&encoded, chat, prompt: rendered.text, tokenizer) }
            return encoded
        }
    }

    /// The tokens of each text of an embedding.
    func encode(_ work: EmbeddingRequest.Work) -> [[TokenID]] {
        func plain(_ text: String) -> [TokenID] { tokenizer.encode(text, specialTokens: false) }
        switch work {
        case .embed(let inputs, _):
            return inputs.map { input in
                switch input {
                case .text(let text): frame.framed(plain(text))
                case .tokens(let tokens): tokens
                }
            }
        case .rerank(let query, let documents):
            let query = plain(query)
            return documents.map { frame.framed(query, plain($0)) }
        }
    }

    /// The tokens around a gap, in the order that models are trained on.
    private func gap(_ before: String, _ after: String) throws(GenerationFailure) -> [TokenID] {
        guard let gap = tokenizer.gapTokens else {
            throw GenerationFailure(
                kind: .invalidRequest(parameter: "suffix"),
                message: "The model was not trained to fill in the middle; leave 'suffix' out."
            )
        }
        return withBeginning(
            [gap.before] + tokenizer.encode(before, specialTokens: false)
                + [gap.after] + tokenizer.encode(after, specialTokens: false) + [gap.middle]
        )
    }

    /// A conversation in the layout the model was trained on.
    func render(
        _ chat: ChatPrompt,
        now: ChatTemplateDate
    ) throws(GenerationFailure) -> RenderedPrompt {
        guard let format else {
            throw GenerationFailure(
                kind: .templateFailed,
                message: templateProblem.map { "The model's chat template cannot be used: \($0)." }
                    ?? "The model has no chat template; use /v1/completions instead."
            )
        }
        do throws(ChatTemplateError) {
            return try format.render(chat, now: now)
        } catch {
            throw GenerationFailure(
                kind: .templateFailed,
                message: error.kind == .raised ? error.message : "\(error)"
            )
        }
    }

    /// The tokens of a text, for `tokenize`.
    func encode(_ text: String, specialTokens: Bool, addsBeginningToken: Bool) -> [TokenID] {
        let tokens = tokenizer.encode(text, specialTokens: specialTokens)
        guard addsBeginningToken else { return tokens }
        return withBeginning(tokens)
    }

    /// The text of tokens, control tokens by their names, for `detokenize`.
    func detokenize(_ tokens: [TokenID]) throws(GenerationFailure) -> String {
        try checkRange(of: tokens)
        return tokenizer.detokenize(tokens, controlTokens: true)
    }

    /// The bytes of each token, of control tokens those of their names.
    func pieces(of tokens: [TokenID]) throws(GenerationFailure) -> [[UInt8]] {
        try checkRange(of: tokens)
        return tokens.map { tokenizer.bytes(of: $0) }
    }

    private func checkRange(of tokens: [TokenID]) throws(GenerationFailure) {
        guard tokens.allSatisfy({ $0 >= 0 && Int($0) < tokenizer.vocabularySize }) else {
            throw GenerationFailure(
                kind: .invalidRequest(parameter: "tokens"),
                message: "A token id is outside the vocabulary of \(tokenizer.vocabularySize)."
            )
        }
    }

    /// What the chat template knows of: `tools`, `thinking`, `vision`.
    var templateCapabilities: [String] {
        guard let format else { return [] }
        var capabilities: [String] = []
        if format.syntax.describesTools { capabilities.append("tools") }
        if format.syntax.reasoning != nil { capabilities.append("thinking") }
        // Templates that take images ask for a part's type by one of these words.
        let words = ["'image'", "\"image\"", "image_url", "<|image", "<image"]
        if let source = templateSource, words.contains(where: { source.contains($0) }) {
            capabilities.append("vision")
        }
        return capabilities
    }

    /// Text of the beginning token, if the vocabulary names one.
    var beginningTokenText: String? { Self.text(of: tokenizer.beginningToken, tokenizer) }

    /// Text of the end token, if the vocabulary names one.
    var endTokenText: String? { Self.text(of: tokenizer.endToken, tokenizer) }

    private func withBeginning(_ tokens: [TokenID]) -> [TokenID] {
        guard tokenizer.addsBeginningToken, let beginning = tokenizer.beginningToken,
            tokens.first != beginning
        else { return tokens }
        return [beginning] + tokens
    }

    private static func text(of token: TokenID?, _ tokenizer: Tokenizer) -> String? {
        token.map { String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) }
    }
}
