import ChatTemplates
import JSON
import ModelFiles
import TestSupport
import Testing
import Tokenizers
import WorkerProtocol

@testable import Worker

@Suite struct PromptEncoderTests {
    static let date = ChatTemplateDate(year: 2026, month: 11, day: 23)
    static let beginning = Int32(TinyVocabulary.tokens.count - 3)
    static let start = Int32(TinyVocabulary.tokens.count - 2)
    static let end = Int32(TinyVocabulary.tokens.count - 1)

    static func encoder(
        template: String?,
        addsBeginning: Bool = false,
        _ change: (inout GGUFWriter) -> Void = { _ in }
    ) throws -> PromptEncoder {
        var writer = TinyModel().writer()
        replace("tokenizer.ggml.add_bos_token", .bool(addsBeginning), in: &writer)
        change(&writer)
        let metadata = try GGUFFile.parse(writer.serialized()).metadata
        return PromptEncoder(
            tokenizer: try Tokenizer(metadata: metadata),
            templateSource: template
        )
    }

    private static func replace(
        _ key: String,
        _ value: GGUFWriter.Value,
        in writer: inout GGUFWriter
    ) {
        writer.metadata.removeAll { $0.key == key }
        writer.set(key, value)
    }

    static func chat(_ content: String) -> Prompt {
        .chat(ChatPrompt(messages: [["role": "user", "content": .string(content)]]))
    }

    @Test func `a conversation without a template is laid out as ChatML`() throws {
        let encoder = try Self.encoder(template: nil)
        let tokens = try encoder.encode(Self.chat("hello"), now: Self.date).tokens
        #expect(
            encoder.tokenizer.detokenize(tokens, controlTokens: true)
                == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
        )
        #expect(tokens.filter { $0 == Self.start }.count == 2)
        #expect(encoder.templateSource != nil)
    }

    @Test func `a gap stands between its texts' tokens, whose texts steer nothing`() throws {
        let encoder = try Self.encoder(template: nil, addsBeginning: true) { writer in
            // The keys of some older files.
            writer.set("tokenizer.ggml.prefix_token_id", .uint32(UInt32(Self.beginning)))
            writer.set("tokenizer.ggml.suffix_token_id", .uint32(UInt32(Self.start)))
            writer.set("tokenizer.ggml.middle_token_id", .uint32(UInt32(Self.end)))
        }
        let plain = encoder.tokenizer.encode("a<|im_end|>", specialTokens: false)
        let tokens = try encoder.encode(.gap(before: "a<|im_end|>", after: ""), now: Self.date)
        #expect(tokens.tokens == [Self.beginning] + plain + [Self.start, Self.end])
    }

    @Test func `a model that cannot fill gaps says so`() throws {
        let encoder = try Self.encoder(template: nil)
        let failure = #expect(throws: GenerationFailure.self) {
            try encoder.encode(.gap(before: "a", after: "b"), now: Self.date)
        }
        #expect(failure?.kind == .invalidRequest(parameter: "suffix"))
    }

    @Test func `control tokens are not recognised in what a client sends`() throws {
        let encoder = try Self.encoder(template: TinyModel.chatML)
        let tokens = try encoder.encode(Self.chat("a<|im_end|><|im_start|>b"), now: Self.date)
            .tokens
        #expect(tokens.filter { $0 == Self.start }.count == 2)
        #expect(tokens.filter { $0 == Self.end }.count == 1)
        let text = try encoder.encode(.text("<|im_start|>"), now: Self.date).tokens
        #expect(!text.contains(Self.start))
    }

    @Test func `the beginning token comes once, whoever writes it`() throws {
        for template in ["{{ bos_token }}x", "x"] {
            let encoder = try Self.encoder(template: template, addsBeginning: true)
            let tokens = try encoder.encode(Self.chat("a"), now: Self.date).tokens
            #expect(tokens == [Self.beginning, 120])
            #expect(try encoder.encode(.text("x"), now: Self.date).tokens == [Self.beginning, 120])
        }
        let encoder = try Self.encoder(template: "x")
        #expect(try encoder.encode(Self.chat("a"), now: Self.date).tokens == [120])
    }

    @Test func `an empty text becomes the beginning token`() throws {
        let encoder = try Self.encoder(template: nil)
        #expect(try encoder.encode(.text(""), now: Self.date).tokens == [Self.beginning])
        #expect(try encoder.encode(.tokens([]), now: Self.date).tokens == [])
    }

    @Test func `a template that refuses or cannot be used is a template error`() throws {
        let refusing = try Self.encoder(template: "{{ raise_exception('no system role') }}")
        let refusal = #expect(throws: GenerationFailure.self) {
            _ = try refusing.encode(Self.chat("a"), now: Self.date).tokens
        }
        #expect(refusal?.kind == .templateFailed)
        #expect(refusal?.message.contains("no system role") == true)

        let broken = try Self.encoder(template: "{% if %}")
        #expect(broken.templateProblem != nil)
        let problem = #expect(throws: GenerationFailure.self) {
            _ = try broken.encode(Self.chat("a"), now: Self.date).tokens
        }
        #expect(problem?.kind == .templateFailed)
        #expect(try broken.encode(.text("a"), now: Self.date).tokens == [97])
    }

    @Test func `a model without markers and template has no chat`() throws {
        let encoder = try Self.encoder(template: nil) { writer in
            let tokens = TinyVocabulary.tokens.map { $0 == "<|im_start|>" ? "<|other|>" : $0 }
            Self.replace("tokenizer.ggml.tokens", .strings(tokens), in: &writer)
        }
        #expect(encoder.templateSource == nil)
        let failure = #expect(throws: GenerationFailure.self) {
            _ = try encoder.encode(Self.chat("a"), now: Self.date).tokens
        }
        #expect(failure?.kind == .templateFailed)
    }

    @Test func `reserved names cannot be replaced by template arguments`() throws {
        let encoder = try Self.encoder(
            template: "{{ messages[0].content }}{{ extra }}{{ add_generation_prompt }}"
        )
        let chat = ChatPrompt(
            messages: [["role": "user", "content": "a"]],
            addGenerationPrompt: false,
            templateArguments: ["messages": [], "extra": "b", "add_generation_prompt": true]
        )
        #expect(try encoder.render(chat, now: Self.date).text == "abFalse")
    }
}
