import ModelFiles
import TestSupport
import Testing
import Tokenizers

@Suite(.timeLimit(.minutes(15)))
struct SentencePieceTests {
    private static func tokenizer(_ writer: GGUFWriter) throws -> Tokenizer {
        try Tokenizer(metadata: GGUFFile.parse(writer.serialized()).metadata)
    }

    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try Self.tokenizer(TinyVocabularies.sentencePieces())
    }

    private func texts(_ tokens: [TokenID]) -> [String] {
        tokens.map { String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) }
    }

    @Test func `merges what has the highest score first`() {
        // "he" scores above "th", so "the" is reached through t + he.
        #expect(texts(tokenizer.encode("the")) == [" the"])
        #expect(texts(tokenizer.encode("hello world")) == [" hello", " world"])
        #expect(texts(tokenizer.encode("hell")) == [" hell"])
    }

    @Test func `puts a space in front of text, which does not come back`() {
        let tokens = tokenizer.encode("the<s>the<tool>the", specialTokens: true)
        #expect(texts(tokens) == [" the", "<s>", " the", "<tool>", " the"])
        #expect(tokenizer.detokenize(tokens, controlTokens: true) == "the<s>the<tool>the")
        #expect(tokenizer.detokenize(tokenizer.encode(" the")) == " the")
    }

    @Test func `puts a space in front of the whole text alone if a folder says so`() throws {
        var writer = TinyVocabularies.sentencePieces()
        writer.set(FolderKeys.spacePrefix, .string(FolderKeys.atStart))
        let plain = try Self.tokenizer(writer)
        let tokens = plain.encode("the<s>the", specialTokens: true)
        #expect(texts(tokens) == [" the", "<s>", "the"])
        #expect(plain.detokenize(tokens, controlTokens: true) == "the<s>the")
    }

    @Test func `puts no space anywhere if the file says so`() throws {
        let plain = try Self.tokenizer(TinyVocabularies.sentencePieces(addsSpacePrefix: false))
        let tokens = plain.encode("the")
        #expect(plain.detokenize(tokens) == "the")
        #expect(plain.detokenize(plain.encode(" the")) == " the")
        #expect(tokens.count == 1)
        #expect(tokens != plain.encode(" the"))
    }

    @Test func `keeps the first space of an output that continues a text`() {
        var detokenizer = IncrementalDetokenizer(tokenizer: tokenizer, continuesText: true)
        let bytes = tokenizer.encode("world").flatMap { detokenizer.append($0) }
        #expect(bytes == Array(" world".utf8))
    }

    @Test func `takes characters without a token apart into bytes, and holds them back`() {
        let tokens = tokenizer.encode("ж")
        #expect(tokens == [259, 3 + 0xD0, 3 + 0xB6])
        var detokenizer = IncrementalDetokenizer(tokenizer: tokenizer)
        #expect(tokens.map { detokenizer.append($0) } == [[], [], Array("ж".utf8)])
    }

    @Test func `finds control tokens in trusted text only`() {
        #expect(tokenizer.encode("</s>", specialTokens: true) == [2])
        #expect(tokenizer.encode("</s><unk>").allSatisfy { !tokenizer.isControl($0) })
        #expect(!tokenizer.encode("<0x41>").contains(3 + 0x41))
    }

    @Test func `reads a written space mark as a space`() {
        #expect(tokenizer.encode("hello▁world") == tokenizer.encode("hello world"))
    }

    @Test func `gives random Unicode back, at once and token by token`() {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<300 {
            var text = ""
            while text.unicodeScalars.count < 40 {
                let limit: UInt32 = Bool.random(using: &generator) ? 0x80 : 0x110000
                let value = UInt32.random(in: 0..<limit, using: &generator)
                if let scalar = Unicode.Scalar(value), value != 0x2581 {
                    text.unicodeScalars.append(scalar)
                }
            }
            let tokens = tokenizer.encode(text)
            #expect(Array(tokenizer.detokenize(tokens).utf8) == Array(text.utf8))
        }
    }

    @Test func `puts the parts of random tokens together as the whole`() {
        var generator = SeededGenerator(seed: 22)
        for _ in 0..<300 {
            let tokens = (0..<30).map { _ in
                TokenID.random(in: 0..<TokenID(tokenizer.vocabularySize), using: &generator)
            }
            var detokenizer = IncrementalDetokenizer(tokenizer: tokenizer)
            var parts: [UInt8] = []
            for token in tokens {
                let part = detokenizer.append(token)
                #expect(String(validating: part, as: UTF8.self) != nil)
                parts += part
            }
            parts += detokenizer.finish()
            #expect(String(decoding: parts, as: UTF8.self) == tokenizer.detokenize(tokens))
        }
    }

    @Test func `begins texts with the beginning token unless the file says no`() throws {
        #expect(tokenizer.addsBeginningToken)
        #expect(tokenizer.beginningToken == 1)
        #expect(tokenizer.closingToken == nil)
        var writer = TinyVocabularies.sentencePieces()
        writer.set("tokenizer.ggml.add_eos_token", .bool(true))
        #expect(try Self.tokenizer(writer).closingToken == 2)
    }

    @Test(arguments: ["no scores", "few scores", "no numbers", "odd bytes"])
    func `refuses a damaged vocabulary`(damage: String) {
        var writer = TinyVocabularies.sentencePieces()
        let count = tokenizer.vocabularySize
        func change(_ key: String, _ value: GGUFWriter.Value?) {
            writer.metadata.removeAll { $0.key == "tokenizer.ggml.\(key)" }
            if let value { writer.set("tokenizer.ggml.\(key)", value) }
        }
        switch damage {
        case "no scores": change("scores", nil)
        case "few scores": change("scores", .float32s([1]))
        case "no numbers": change("scores", .float32s(Array(repeating: .nan, count: count)))
        default: change("token_type", .int32s(Array(repeating: 6, count: count)))
        }
        let error = #expect(throws: TokenizerError.self) { try Self.tokenizer(writer) }
        #expect(error?.description.isEmpty == false)
    }

    @Test(arguments: ["a", " ", "\n", "😀", "the", "<s>"])
    func `takes time in proportion to the text, whatever is repeated`(unit: String) {
        let text = String(repeating: unit, count: (1 << 16) / unit.utf8.count)
        #expect(tokenizer.encode(text, specialTokens: true).count > 1_000)
    }
}
