import ModelFiles
import TestSupport
import Testing
import Tokenizers

@Suite(.timeLimit(.minutes(15)))
struct IncrementalDetokenizerTests {
    private let tokenizer: Tokenizer

    init() throws {
        // In the tiny vocabulary token n is byte n, for n < 256.
        tokenizer = try Tokenizer(
            metadata: GGUFFile.parse(TinyModel().writer().serialized()).metadata
        )
    }

    private func deltas(_ tokens: [TokenID], controlTokens: Bool = false) -> [[UInt8]] {
        var detokenizer = IncrementalDetokenizer(
            tokenizer: tokenizer,
            controlTokens: controlTokens
        )
        return tokens.map { detokenizer.append($0) } + [detokenizer.finish()]
    }

    @Test func `holds a character back until it is whole`() {
        let tokens = "a😀é".utf8.map { TokenID($0) }
        let texts = deltas(tokens).map { String(decoding: $0, as: UTF8.self) }
        #expect(texts == ["a", "", "", "", "😀", "", "é", ""])
    }

    @Test func `replaces an unfinished character at the end`() {
        #expect(deltas([0xF0, 0x9F]) == [[], [], Array("\u{FFFD}".utf8)])
    }

    @Test func `gives whole characters for every sequence of four telling bytes`() {
        let bytes: [UInt8] = [
            0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xE1, 0xED, 0xF0, 0xF1,
            0xF4, 0xF5,
        ]
        for index in 0..<bytes.count * bytes.count * bytes.count * bytes.count {
            let sequence = (0..<4).map { bytes[index >> (4 * $0) & 15] }
            let deltas = deltas(sequence.map { TokenID($0) })
            // The standard library's repair is the specification: one U+FFFD for each maximal part.
            guard deltas.joined().elementsEqual(String(decoding: sequence, as: UTF8.self).utf8),
                deltas.allSatisfy({ String(validating: $0, as: UTF8.self) != nil })
            else {
                Issue.record("\(sequence) gave \(deltas)")
                return
            }
        }
    }

    @Test func `hides control tokens unless they are wanted`() throws {
        let end = try #require(tokenizer.endToken)
        #expect(deltas([0x41, end]) == [[0x41], [], []])
        #expect(deltas([end], controlTokens: true) == [Array("<|im_end|>".utf8), []])
        #expect(tokenizer.detokenize([0x41, end]) == "A")
        #expect(tokenizer.detokenize([0x41, end], controlTokens: true) == "A<|im_end|>")
    }
}
