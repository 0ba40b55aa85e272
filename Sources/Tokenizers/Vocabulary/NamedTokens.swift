import ModelFiles

/// The tokens that keys name.
///
/// What a file doesn't say follows from its kind: converters leave out what is the same in all
/// vocabularies of it.
struct NamedTokens: Sendable {
    var beginning: TokenID?
    var end: TokenID?
    var unknown: TokenID?
    var separator: TokenID?
    /// All that end an answer.
    var ends: [TokenID] = []

    init(
        _ source: VocabularySource,
        _ kind: TokenizerKind,
        _ tokens: StringTable
    ) throws(TokenizerError) {
        func token(
            _ name: String,
            otherwise text: String? = nil
        ) throws(TokenizerError) -> TokenID? {
            if let token = try source.token(name, vocabularySize: tokens.count) { return token }
            guard let text else { return nil }
            return source.tokens(withTexts: [text], in: tokens)[text]
        }
        switch kind {
        case .bytePairs:
            beginning = try token("bos_token_id")
            end = try token("eos_token_id")
            unknown = try token("unknown_token_id")
            separator = try token("seperator_token_id")
        case .sentencePieces:
            beginning = try token("bos_token_id", otherwise: "<s>")
            end = try token("eos_token_id", otherwise: "</s>")
            unknown = try token("unknown_token_id", otherwise: "<unk>")
            separator = try token("seperator_token_id")
        case .wordPieces:
            beginning = try token("bos_token_id")
            if beginning == nil { beginning = try token("cls_token_id", otherwise: "[CLS]") }
            end = try token("eos_token_id")
            unknown = try token("unknown_token_id", otherwise: "[UNK]")
            separator = try token("seperator_token_id", otherwise: "[SEP]")
        case .unigrams:
            beginning = try token("bos_token_id")
            end = try token("eos_token_id", otherwise: "</s>")
            unknown = try token("unknown_token_id", otherwise: "<unk>")
            separator = try token("seperator_token_id")
        }
        for key in EndOfGeneration.keys {
            if let token = try token(key) { ends.append(token) }
        }
    }
}
