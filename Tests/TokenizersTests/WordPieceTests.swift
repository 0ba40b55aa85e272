import ModelFiles
import TestSupport
import Testing
import Tokenizers

@Suite(.timeLimit(.minutes(15)))
struct WordPieceTests {
    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try Self.tokenizer(TinyVocabularies.wordPieces())
    }

    private static func tokenizer(_ writer: GGUFWriter) throws -> Tokenizer {
        try Tokenizer(metadata: GGUFFile.parse(writer.serialized()).metadata)
    }

    private func texts(_ text: String) -> [String] {
        tokenizer.encode(text).map { String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) }
    }

    @Test func `takes the longest pieces of each word`() {
        #expect(texts("hello users") == [" hello", " user", "s"])
        #expect(texts("helloworld") == [" hello", "world"])
    }

    @Test func `ignores case and accents and drops controls`() {
        #expect(texts("HÉllo\u{301}\u{0} \u{FEFF}World") == [" hello", " world"])
    }

    @Test func `splits punctuation and ideographs off`() {
        #expect(texts("hello,world!") == [" hello", " ,", " world", " !"])
        #expect(texts("漢字") == [" 漢", "[UNK]"])
    }

    @Test func `keeps case and accents if the file says so`() throws {
        var writer = TinyVocabularies.wordPieces()
        writer.set("tokenizer.ggml.normalizer.lowercase", .bool(false))
        writer.set("tokenizer.ggml.normalizer.strip_accents", .bool(false))
        let strict = try Self.tokenizer(writer)
        #expect(strict.encode("Hello") == [1])
        #expect(strict.encode("é") != tokenizer.encode("é"))
    }

    @Test func `takes a word that has no pieces, or very many characters, as unknown`() {
        #expect(texts("hellö hello € hello") == [" hello", " hello", "[UNK]", " hello"])
        #expect(texts(String(repeating: "a", count: 101)) == ["[UNK]"])
        #expect(texts(String(repeating: "a", count: 100)).count == 100)
    }

    @Test func `does not let a text spell a control token`() {
        #expect(tokenizer.encode("[CLS] [SEP]").allSatisfy { !tokenizer.isControl($0) })
        #expect(tokenizer.encode("[CLS]", specialTokens: true) == [2])
    }

    @Test func `frames texts with the class and separator tokens`() {
        #expect(tokenizer.addsBeginningToken)
        #expect(tokenizer.beginningToken == 2)
        #expect(tokenizer.closingToken == 3)
    }

    @Test func `puts words together with spaces between them`() {
        #expect(tokenizer.detokenize(tokenizer.encode("Hello worlds")) == "hello worlds")
    }
}
