import ModelFiles

extension VocabularySource {
    /// Unpacks the vocabulary.
    func model(
        _ kind: TokenizerKind,
        _ tokens: StringTable,
        _ types: [TokenType],
        unknownToken: TokenID?,
        _ spacePrefix: SpacePrefix
    ) throws(TokenizerError) -> any SubwordModel {
        switch kind {
        case .bytePairs(let settings):
            return try BytePairModel(
                tokens: tokens,
                types: types,
                merges: try merges(),
                settings: settings
            )
        case .sentencePieces:
            return try SentencePieceModel(
                tokens: tokens,
                types: types,
                scores: try scores(count: tokens.count),
                unknownToken: unknownToken,
                spacePrefix: spacePrefix
            )
        case .wordPieces:
            return WordPieceModel(
                tokens: tokens,
                types: types,
                unknownToken: unknownToken,
                normalizer: WordNormalizer(
                    lowercases: try flag("normalizer.lowercase", default: true),
                    stripsAccents: try flag("normalizer.strip_accents", default: true)
                )
            )
        case .unigrams:
            return UnigramModel(
                tokens: tokens,
                types: types,
                scores: try scores(count: tokens.count),
                unknownToken: unknownToken,
                normalizer: UnigramNormalizer(
                    characterMap: try characterMap(),
                    addsSpacePrefix: spacePrefix != .never,
                    removesExtraSpaces: try flag("remove_extra_whitespaces", default: false)
                )
            )
        }
    }

    /// Where the vocabulary wants a space in front of text.
    func spacePrefix(_ kind: TokenizerKind) throws(TokenizerError) -> SpacePrefix {
        switch kind {
        case .bytePairs: .never
        // Every word's first piece has one.
        case .wordPieces: .atStart
        case .sentencePieces, .unigrams:
            if try !flag("add_space_prefix", default: true) {
                .never
            } else {
                try prefixesStartOnly() ? .atStart : .atStretches
            }
        }
    }

    /// The token that belongs behind a whole text.
    func closingToken(
        _ kind: TokenizerKind,
        _ named: NamedTokens
    ) throws(TokenizerError) -> TokenID? {
        if try flag("add_sep_token", default: kind.addsSeparatorToken), let token = named.separator
        {
            return token
        }
        return try flag("add_eos_token", default: kind.addsEndToken) ? named.end : nil
    }
}
