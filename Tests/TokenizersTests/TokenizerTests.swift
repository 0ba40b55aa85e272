import ModelFiles
import TestSupport
import Testing
import Tokenizers

@Suite(.timeLimit(.minutes(1)))
struct TokenizerTests {
    @Test func `gives text back that was encoded`() throws {
        let file = try GGUFFile.parse(TinyModel().writer().serialized())
        let tokenizer = try Tokenizer(metadata: file.metadata)
        let text = "Hello, the world: é 漢字 \u{1F600}\n\n  12345 user's"
        #expect(tokenizer.detokenize(tokenizer.encode(text)) == text)
    }

    @Test func `finds control tokens in trusted text only`() throws {
        let file = try GGUFFile.parse(TinyModel().writer().serialized())
        let tokenizer = try Tokenizer(metadata: file.metadata)
        let text = "<|im_start|>user"
        #expect(tokenizer.encode(text, specialTokens: true).count == 2)
        #expect(tokenizer.encode(text).allSatisfy { !tokenizer.isControl($0) })
    }
}
