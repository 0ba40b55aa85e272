import ModelFiles
import TestSupport
import Testing
import Tokenizers

/// Expectations made by Hugging Face's `tokenizers`: see Golden/make-golden.py.
@Suite(.timeLimit(.minutes(10)))
struct HuggingFaceGoldenTests {
    @Test(arguments: [("smollm.txt", TestModels.smolLM2), ("qwen2.txt", .qwen25Coder)])
    func `encodes as Hugging Face's library does`(name: String, model: TestModels) throws {
        let file = try GGUFFile.open(path: TestModels.path(of: model))
        let tokenizer = try Tokenizer(metadata: file.metadata)
        for line in try Golden.contents(name).split(separator: "\n") {
            let fields = line.split(separator: " ")
            let text = String(decoding: Golden.bytes(hexadecimal: fields[0]), as: UTF8.self)
            let expected = fields.dropFirst().compactMap { TokenID($0) }
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
        }
    }
}
