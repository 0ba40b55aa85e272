import ModelFiles
import TestSupport
import Tokenizers

/// Byte-level vocabularies of every family of pre-tokenizers, and SentencePiece's kind with and without
/// spaces that encoding adds: these give texts back.
private let exactTokenizers: [Tokenizer] =
    ["gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "deepseek-v3", "falcon"].compactMap {
        name in
        var model = TinyModel()
        model.layerCount = 0
        var writer = model.writer()
        writer.metadata.removeAll { $0.key == "tokenizer.ggml.pre" }
        writer.set("tokenizer.ggml.pre", .string(name))
        return tokenizer(writer)
    }
    + [true, false].compactMap { addsSpacePrefix in
        tokenizer(TinyVocabularies.sentencePieces(addsSpacePrefix: addsSpacePrefix))
    }

/// Vocabularies that change texts.
private let otherTokenizers: [Tokenizer] =
    [TinyVocabularies.wordPieces(), TinyVocabularies.unigrams()].compactMap(tokenizer)

private func tokenizer(_ writer: GGUFWriter) -> Tokenizer? {
    (try? GGUFFile.parse(writer.serialized())).flatMap { try? Tokenizer(metadata: $0.metadata) }
}

/// A text in every kind of vocabulary: encode, then detokenize at once and piece by piece; both give
/// the same, and the text itself if the vocabulary doesn't change texts.
///
/// The first byte says where trusted text ends.
func fuzzTokenizer(_ bytes: [UInt8]) {
    precondition(exactTokenizers.count == 9, "the tiny vocabularies fit every family")
    precondition(otherTokenizers.count == 2, "the tiny vocabularies fit every kind")
    var scalars = String(decoding: bytes.dropFirst(), as: UTF8.self).unicodeScalars
    scalars.removeAll { $0 == "\u{2581}" }
    let text = String(scalars)
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
    for tokenizer in exactTokenizers + otherTokenizers {
        let plain = tokenizer.encode(text)
        precondition(
            !plain.contains { tokenizer.isControl($0) && $0 != tokenizer.unknownToken },
            "plain text has no control token"
        )
        let tokens = tokenizer.encode(prompt)
        let whole = tokenizer.detokenize(tokens, controlTokens: true)
        var streamed: [UInt8] = []
        var detokenizer = IncrementalDetokenizer(tokenizer: tokenizer, controlTokens: true)
        for token in tokens {
            let delta = detokenizer.append(token)
            precondition(String(validating: delta, as: UTF8.self) != nil, "no character is split")
            streamed += delta
        }
        streamed += detokenizer.finish()
        precondition(streamed == Array(whole.utf8), "a text is the same piece by piece")
    }
    for tokenizer in exactTokenizers {
        let whole = tokenizer.detokenize(tokenizer.encode(prompt), controlTokens: true)
        precondition(Array(whole.utf8) == Array(text.utf8), "a text comes back")
    }
}
