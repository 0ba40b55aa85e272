/// Which tokens end an answer.
///
/// Files often name the wrong one (a base model's `<|endoftext|>` for a chat model), so besides the
/// tokens that keys name, every token with a text that is known to end a turn does.
enum EndOfGeneration {
    /// Keys of `tokenizer.ggml` that name such a token.
    static let keys = ["eos_token_id", "eot_token_id", "eom_token_id"]

    /// Texts of tokens that end a turn, an answer, or what fills a gap in some family of models.
    static let texts: Set<String> = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
        "<end_of_turn>", "<turn|>", "<eos>", "<|tool_response>", "<|endoftext|>",
        "<|end_of_text|>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
        "<end_of_utterance>", "<｜end▁of▁sentence｜>", "[e~[", "</s>",
        "<|fim_pad|>", "<fim_pad>", "<|repo_name|>", "<|file_sep|>",
    ]

    /// The tokens that end an answer, out of those that keys name and those with a known text.
    static func tokens(named: [TokenID], byText: [String: TokenID]) -> Set<TokenID> {
        var tokens = Set(named).union(byText.values)
        // gpt-oss ends its inner channels with <|end|>; only <|return|> and <|call|> end an answer.
        if let end = byText["<|end|>"], byText["<|return|>"] != nil, byText["<|call|>"] != nil {
            tokens.remove(end)
        }
        return tokens
    }
}
