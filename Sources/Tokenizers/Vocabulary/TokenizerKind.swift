/// The kinds of vocabularies there are, `tokenizer.ggml.model`.
enum TokenizerKind: Sendable {
    /// `gpt2`, `gemma4`.
    case bytePairs(PreTokenizerSettings)
    /// `llama`.
    case sentencePieces
    /// `bert`.
    case wordPieces
    /// `t5`.
    case unigrams

    /// The default of `add_bos_token`.
    var addsBeginningToken: Bool {
        switch self {
        case .bytePairs(let settings): settings.addsBeginningToken
        case .sentencePieces, .wordPieces: true
        case .unigrams: false
        }
    }

    /// The default of `add_eos_token`.
    var addsEndToken: Bool {
        switch self {
        case .bytePairs, .sentencePieces, .wordPieces: false
        case .unigrams: true
        }
    }

    /// The default of `add_sep_token`.
    var addsSeparatorToken: Bool {
        switch self {
        case .bytePairs(let settings): settings.addsSeparatorToken
        case .wordPieces: true
        case .sentencePieces, .unigrams: false
        }
    }
}
