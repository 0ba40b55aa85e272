import Foundation
import ModelFiles
import TestSupport
import Testing
import Tokenizers

/// llama.cpp's own test texts: `NAME.inp` holds texts, `NAME.out` a line of tokens for each.
@Suite(.timeLimit(.minutes(10)))
struct VocabularyConformanceTests {
    @Test(
        arguments: [
            "gpt-2", "mpt", "starcoder", "refact", "command-r", "llama-bpe", "qwen2", "qwen35",
        ]
    )
    func `encodes llama.cpp's texts as it does`(name: String) throws {
        let folder = try TestModels.path(of: .vocabularies)
        let path = "\(folder)/ggml-vocab-\(name).gguf"
        let tokenizer = try Tokenizer(metadata: GGUFFile.open(path: path).metadata)
        let texts = try Self.contents(path + ".inp").components(
            separatedBy: "\n__ggml_vocab_test__\n"
        )
        let lines = try Self.contents(path + ".out").split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        #expect(lines.count >= texts.count)
        for (text, line) in zip(texts, lines) {
            let expected = line.split(separator: " ").compactMap { TokenID($0) }
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
            #expect(tokenizer.detokenize(expected) == text)
        }
    }

    @Test(
        arguments: [
            ("llama-spm", "\"llama\""), ("deepseek-llm", "\"deepseek-llm\""),
            ("gpt-neox", "tokenizer.ggml.pre"), ("bert-bge", "\"bert\""),
        ]
    )
    func `names what it does not support`(name: String, word: String) throws {
        let folder = try TestModels.path(of: .vocabularies)
        let file = try GGUFFile.open(path: "\(folder)/ggml-vocab-\(name).gguf")
        let error = #expect(throws: TokenizerError.self) {
            try Tokenizer(metadata: file.metadata)
        }
        #expect(error?.description.contains(word) == true)
    }

    private static func contents(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }
}
