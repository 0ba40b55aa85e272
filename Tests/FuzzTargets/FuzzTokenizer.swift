import ModelFiles
import TestSupport
import Tokenizers

private let tokenizers: [Tokenizer] = ["gpt-2", "smollm", "llama-bpe", "qwen2"].compactMap { name in
    var model = TinyModel()
    model.layerCount = 0
    var writer = model.writer()
    writer.metadata.removeAll { $0.key == "tokenizer.ggml.pre" }
    writer.set("tokenizer.ggml.pre", .string(name))
    return (try? GGUFFile.parse(writer.serialized())).flatMap {
        try? Tokenizer(metadata: $0.metadata)
    }
}

/// A text in every family of pre-tokenizers: encode, then detokenize at once and piece by piece;
/// both give the text back.
///
/// The first byte says where trusted text ends.
func fuzzTokenizer(_ bytes: [UInt8]) {
    precondition(tokenizers.count == 4, "the tiny vocabulary fits every family")
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let scalars = text.unicodeScalars
    let cut = scalars.index(
        scalars.startIndex,
        offsetBy: Int(bytes.first ?? 0),
        limitedBy: scalars.endIndex
    )
    let trusted = String(scalars[..<(cut ?? scalars.endIndex)])
    let untrusted = String(scalars[(cut ?? scalars.endIndex)...])
    let prompt = PromptText(runs: [
        .init(text: trusted, isTrusted: true), .init(text: untrusted, isTrusted: false),
    ])
    for tokenizer in tokenizers {
        let plain = tokenizer.encode(text)
        precondition(!plain.contains(where: tokenizer.isControl), "plain text has no control token")
        let tokens = tokenizer.encode(prompt)
        let whole = tokenizer.detokenize(tokens, controlTokens: true)
        precondition(Array(whole.utf8) == Array(text.utf8), "a text comes back")
        var streamed: [UInt8] = []
        var detokenizer = IncrementalDetokenizer(tokenizer: tokenizer, controlTokens: true)
        for token in tokens {
            let delta = detokenizer.append(token)
            precondition(String(validating: delta, as: UTF8.self) != nil, "no character is split")
            streamed += delta
        }
        streamed += detokenizer.finish()
        precondition(streamed == Array(text.utf8), "a text comes back piece by piece")
    }
}
