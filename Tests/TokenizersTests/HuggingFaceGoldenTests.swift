import ModelFiles
import TestSupport
import Testing
import Tokenizers

/// Expectations made by the authors' libraries, `tokenizers` and `sentencepiece`: see
/// Golden/make-golden.py.
@Suite(.timeLimit(.minutes(15)))
struct HuggingFaceGoldenTests {
    @Test(arguments: [("smollm.txt", TestModels.smolLM2), ("qwen2.txt", .qwen25Coder)])
    func `encodes as Hugging Face's library does`(name: String, model: TestModels) throws {
        try check(name, path: TestModels.path(of: model))
    }

    @Test(
        arguments: [
            ("bert.txt", "bert-bge"), ("llama.txt", "llama-spm"),
            ("xlm-roberta.txt", "nomic-bert-moe"),
        ]
    )
    func `encodes as the vocabulary's own library does`(name: String, vocabulary: String) throws {
        let folder = try TestModels.path(of: .vocabularies)
        try check(name, path: "\(folder)/ggml-vocab-\(vocabulary).gguf")
    }

    private func check(_ name: String, path: String) throws {
        let tokenizer = try Tokenizer(metadata: GGUFFile.open(path: path).metadata)
        for line in try Golden.contents(name).split(separator: "\n") {
            let fields = line.split(separator: " ")
            let text = String(decoding: Golden.bytes(hexadecimal: fields[0]), as: UTF8.self)
            let expected = fields.dropFirst().compactMap { TokenID($0) }
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
        }
    }
}
