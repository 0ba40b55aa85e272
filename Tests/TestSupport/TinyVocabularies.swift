/// Small vocabularies of the kinds that aren't byte-level, as a model file's metadata.
package enum TinyVocabularies {
    private static let words = [
        "the", "he", "th", "in", "an", "er", "hello", "hell", "ell", "ll", "lo", "world", "wor",
        "ld", "or", "user", "us", "'s", "12", "é", "漢", "漢字", "ing", "on", "re",
    ]

    /// Byte pairs of the SentencePiece kind, with byte tokens: any text but `▁` comes back.
    ///
    /// Tokens 0 to 2 are `<unk>`, `<s>` and `</s>`; the last is the user-defined `<tool>`.
    package static func sentencePieces(addsSpacePrefix: Bool = true) -> GGUFWriter {
        var tokens = ["<unk>", "<s>", "</s>"]
        var types: [Int32] = [2, 3, 3]
        for byte in 0..<256 {
            let digits = String(byte, radix: 16, uppercase: true)
            tokens.append("<0x\(digits.count < 2 ? "0" : "")\(digits)>")
            types.append(6)
        }
        tokens += ["▁", "▁▁", "▁▁▁▁"] + words.map { "▁" + $0 } + words + letters
        types += Array(repeating: 1, count: tokens.count - types.count)
        let scores = tokens.indices.map { -Float($0) }
        tokens.append("<tool>")
        types.append(4)
        var writer = writer("llama", tokens, types, scores + [0])
        writer.set("tokenizer.ggml.add_space_prefix", .bool(addsSpacePrefix))
        writer.set("tokenizer.ggml.bos_token_id", .uint32(1))
        writer.set("tokenizer.ggml.eos_token_id", .uint32(2))
        writer.set("tokenizer.ggml.unknown_token_id", .uint32(0))
        return writer
    }

    /// BERT's kind; tokens 0 to 4 are `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`.
    package static func wordPieces() -> GGUFWriter {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let tokens = special + (words + letters).map { "▁" + $0 } + words + letters
        let types = tokens.indices.map { Int32($0 < special.count ? 3 : 1) }
        return writer("bert", tokens, types, nil)
    }

    /// The unigram kind; tokens 0 to 2 are `<pad>`, `</s>` and `<unk>`.
    package static func unigrams() -> GGUFWriter {
        let special = ["<pad>", "</s>", "<unk>"]
        let tokens = special + ["▁"] + words.map { "▁" + $0 } + words + letters
        let types = tokens.indices.map { Int32($0 == 2 ? 2 : $0 < special.count ? 3 : 1) }
        let scores = tokens.map { -10 + 2 * Float($0.unicodeScalars.count) }
        var writer = writer("t5", tokens, types, scores)
        writer.set("tokenizer.ggml.unknown_token_id", .uint32(2))
        writer.set("tokenizer.ggml.remove_extra_whitespaces", .bool(true))
        return writer
    }

    private static let letters =
        "abcdefghijklmnopqrstuvwxyz0123456789.,!?-:<>[]|'\"".map(String.init)

    private static func writer(
        _ model: String,
        _ tokens: [String],
        _ types: [Int32],
        _ scores: [Float]?
    ) -> GGUFWriter {
        var writer = GGUFWriter()
        writer.set("general.architecture", .string("llama"))
        writer.set("tokenizer.ggml.model", .string(model))
        writer.set("tokenizer.ggml.tokens", .strings(tokens))
        writer.set("tokenizer.ggml.token_type", .int32s(types))
        if let scores { writer.set("tokenizer.ggml.scores", .float32s(scores)) }
        return writer
    }
}
