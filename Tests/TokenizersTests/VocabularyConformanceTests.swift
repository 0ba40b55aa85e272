import Foundation
import ModelFiles
import TestSupport
import Testing
import Tokenizers

/// llama.cpp's own test texts: `NAME.inp` holds texts, `NAME.out` a line of tokens for each.
@Suite(.timeLimit(.minutes(15)))
struct VocabularyConformanceTests {
    @Test(
        arguments: [
            "gpt-2", "mpt", "starcoder", "refact", "command-r", "llama-bpe", "qwen2", "qwen35",
            "llama-spm", "phi-3", "gemma-4", "falcon", "deepseek-llm", "deepseek-coder",
        ]
    )
    func `encodes llama.cpp's texts as it does, and gives them back`(name: String) throws {
        let (tokenizer, cases) = try Self.cases(name)
        for (text, expected) in cases {
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
            #expect(tokenizer.detokenize(expected) == text)
        }
    }

    @Test func `encodes llama.cpp's texts as it does with a vocabulary that changes them`() throws {
        let (tokenizer, cases) = try Self.cases("bert-bge")
        for (text, expected) in cases {
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
        }
    }

    @Test(
        arguments: [
            ("gpt-neox", "tokenizer.ggml.pre"), ("aquila", "tokenizer.ggml.pre"),
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

    private static func cases(
        _ name: String
    ) throws -> (tokenizer: Tokenizer, cases: [(text: String, tokens: [TokenID])]) {
        let folder = try TestModels.path(of: .vocabularies)
        let path = "\(folder)/ggml-vocab-\(name).gguf"
        let tokenizer = try Tokenizer(metadata: GGUFFile.open(path: path).metadata)
        let texts = try contents(path + ".inp").components(separatedBy: "\n__ggml_vocab_test__\n")
        let lines = try contents(path + ".out").split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        #expect(lines.count >= texts.count)
        let cases = zip(texts, lines).map { text, line in
            (text, line.split(separator: " ").compactMap { TokenID($0) })
        }
        return (tokenizer, cases)
    }

    private static func contents(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }
}
