import Tokenizers

/// The chat template of models whose file carries none.
enum DefaultChatTemplate {
    /// ChatML, the layout that vocabularies with `<|im_start|>` are made for.
    static let chatML = """
        {%- for message in messages %}
        {{- '<|im_start|>' + message.role + '\\n' + (message.content or '') + '<|im_end|>\\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
        {{- '<|im_start|>assistant\\n' }}
        {%- endif %}
        """

    /// The template that suits a vocabulary, or nil if none certainly does.
    static func source(for tokenizer: Tokenizer) -> String? {
        let hasMarkers = ["<|im_start|>", "<|im_end|>"].allSatisfy { marker in
            let tokens = tokenizer.encode(marker, specialTokens: true)
            return tokens.count == 1 && tokenizer.isControl(tokens[0])
        }
        return hasMarkers ? chatML : nil
    }
}
