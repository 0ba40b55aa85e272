import ModelFiles

/// The control tokens around the texts on both sides of a gap, for models that were trained to fill
/// one in.
package struct GapTokens: Sendable, Hashable {
    /// Stands before the text in front of the gap.
    package let before: TokenID
    /// Stands before the text behind the gap.
    package let after: TokenID
    /// Stands last: what follows fills the gap.
    package let middle: TokenID

    /// Keys of `tokenizer.ggml` that name them; older files have the shorter ones.
    static let keys = [
        ["fim_pre_token_id", "prefix_token_id"],
        ["fim_suf_token_id", "suffix_token_id"],
        ["fim_mid_token_id", "middle_token_id"],
    ]

    /// Texts of the three tokens in the vocabularies of Qwen, StarCoder and Granite, SantaCoder,
    /// DeepSeek, GLM and CodeLlama.
    static let texts = [
        ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
        ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
        ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
        ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
        ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
        ["▁<PRE>", "▁<SUF>", "▁<MID>"],
    ]

    /// The tokens that keys name, or else those with a known text; nil unless there are all three.
    init?(source: VocabularySource, tokens: StringTable) throws(TokenizerError) {
        var found: [TokenID] = []
        for names in Self.keys {
            for name in names {
                if let token = try source.token(name, vocabularySize: tokens.count) {
                    found.append(token)
                    break
                }
            }
        }
        if found.count < Self.keys.count {
            let known = source.tokens(withTexts: Set(Self.texts.joined()), in: tokens)
            found = Self.texts.map { $0.compactMap { known[$0] } }.first { $0.count == 3 } ?? []
        }
        guard found.count == Self.keys.count else { return nil }
        (before, after, middle) = (found[0], found[1], found[2])
    }
}
