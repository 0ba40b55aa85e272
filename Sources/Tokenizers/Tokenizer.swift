package import ModelFiles

/// A model's vocabulary: text to tokens and back.
///
/// Immutable and safe from any thread.
///
/// Byte-level vocabularies give any text back exactly, unless they lack one of its bytes (SmolLM2 has
/// no token for control character 4, for example); SentencePiece's do but for `▁`, which becomes a
/// space; BERT's and unigram vocabularies change the text. Text is taken as it is: like llama.cpp, and
/// unlike some models' authors, without Unicode normalisation that model files don't mention.
package final class Tokenizer: Sendable {
    /// The number of tokens; ids are below it.
    package let vocabularySize: Int
    /// The token that begins a text, if the vocabulary names one.
    package let beginningToken: TokenID?
    /// Whether the model expects texts to begin with `beginningToken`.
    ///
    /// `encode` never adds it.
    package let addsBeginningToken: Bool
    /// The token that ends a text, if the vocabulary names one.
    package let endToken: TokenID?
    /// The token that the model expects behind a whole text: the separator of BERT's vocabularies, or
    /// the end token if the file says so.
    ///
    /// `encode` never adds it.
    package let closingToken: TokenID?
    /// What stands for text without a token, if the vocabulary has no token for every byte.
    package let unknownToken: TokenID?
    /// All tokens that end an answer.
    package let endOfGenerationTokens: Set<TokenID>
    /// The tokens around a gap, if the model was trained to fill one in.
    package let gapTokens: GapTokens?

    let model: any SubwordModel
    let pieces: PieceList
    let specialTokens: SpecialTokens
    let spacePrefix: SpacePrefix
    private let roles: [TokenRole]
    private let controlTokens: Set<TokenID>

    /// Unpacks the vocabulary in a model file's metadata, keys `tokenizer.ggml.…`.
    ///
    /// Throws when the kind of tokenizer isn't supported or the vocabulary is damaged.
    package init(metadata: GGUFMetadata) throws(TokenizerError) {
        let source = VocabularySource(metadata: metadata)
        let kind = try source.kind()
        let tokens = try source.tokens()
        let types = try source.types(count: tokens.count)
        let named = try NamedTokens(source, kind, tokens)
        spacePrefix = try source.spacePrefix(kind)
        model = try source.model(kind, tokens, types, unknownToken: named.unknown, spacePrefix)
        pieces = model.pieces
        vocabularySize = tokens.count
        beginningToken = named.beginning
        endToken = named.end
        unknownToken = named.unknown
        addsBeginningToken =
            try source.flag("add_bos_token", default: kind.addsBeginningToken)
            && beginningToken != nil
        closingToken = try source.closingToken(kind, named)

        let byText = source.tokens(withTexts: EndOfGeneration.texts, in: tokens)
        endOfGenerationTokens = EndOfGeneration.tokens(named: named.ends, byText: byText)
        gapTokens = try GapTokens(source: source, tokens: tokens)
        var control = Set(byText.values)
        for index in types.indices where types[index] == .control || types[index] == .unknown {
            control.insert(TokenID(index))
        }
        controlTokens = control
        roles = types.indices.map { index in
            control.contains(TokenID(index)) ? .special : TokenRole(types[index])
        }
        specialTokens = SpecialTokens(
            types.indices.compactMap { index in
                if control.contains(TokenID(index)) { return (TokenID(index), true) }
                return types[index] == .userDefined ? (TokenID(index), false) : nil
            },
            pieces: pieces,
            swallowsBlanks: try source.swallowsBlanks(behind: tokens)
        )
    }

    /// The bytes that a token adds to a text; for a control token the bytes of its name, such as
    /// `<|im_end|>`.
    ///
    /// Not always whole characters, and a word's first token may begin with a space that doesn't show
    /// at the begin of a text: see `IncrementalDetokenizer`.
    package func bytes(of token: TokenID) -> [UInt8] {
        precondition(token >= 0 && token < vocabularySize, "a token must be in the vocabulary")
        return Array(pieces[token])
    }

    /// Whether a token steers the model instead of being text.
    package func isControl(_ token: TokenID) -> Bool {
        controlTokens.contains(token)
    }

    /// What a token is to a text.
    func role(of token: TokenID) -> TokenRole { roles[Int(token)] }

    /// The text of tokens; what isn't UTF-8 in it becomes U+FFFD.
    ///
    /// Control tokens give no text unless wanted.
    package func detokenize(_ tokens: [TokenID], controlTokens: Bool = false) -> String {
        var bytes: [UInt8] = []
        var detokenizer = IncrementalDetokenizer(tokenizer: self, controlTokens: controlTokens)
        for token in tokens { bytes += detokenizer.append(token) }
        bytes += detokenizer.finish()
        return String(decoding: bytes, as: UTF8.self)
    }
}
