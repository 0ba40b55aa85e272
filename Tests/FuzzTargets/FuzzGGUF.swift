import ModelFiles
import Tokenizers

/// A model file: parse it, look at every value, and use the vocabulary if there is one.
func fuzzGGUF(_ bytes: [UInt8]) {
    guard let file = try? GGUFFile.parse(bytes) else { return }
    for tensor in file.tensors {
        precondition(
            tensor.byteCount == 0 || tensor.fileOffset + tensor.byteCount <= bytes.count,
            "a tensor lies in the file"
        )
    }
    for key in file.metadata.keys { readValue(of: key, in: file.metadata) }
    guard let tokenizer = try? Tokenizer(metadata: file.metadata) else { return }
    let tokens = tokenizer.encode("Hello, <|im_end|> world 123", specialTokens: true)
    precondition(tokens.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
    _ = tokenizer.detokenize(tokens, controlTokens: true)
}

private func readValue(of key: String, in metadata: GGUFMetadata) {
    guard let (type, elementType) = metadata.type(of: key) else {
        preconditionFailure("a key has a value")
    }
    switch (type, elementType) {
    case (.array, .string): _ = try? metadata.strings(key)?.map(\.count)
    case (.array, .bool): _ = try? metadata.bools(key)
    case (.array, .float32), (.array, .float64): _ = try? metadata.floats(key)
    case (.array, _): _ = try? metadata.integers(key)
    case (.string, _): _ = try? metadata.string(key)
    case (.bool, _): _ = try? metadata.bool(key)
    case (.float32, _), (.float64, _): _ = try? metadata.double(key)
    default: _ = try? metadata.integer(key)
    }
}
