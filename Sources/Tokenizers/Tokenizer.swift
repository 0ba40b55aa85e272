package import ModelFiles

/// A model's vocabulary: text to tokens and back.
///
/// Immutable and safe from any thread.
///
/// Byte-level byte-pair encoding: the tokens' bytes joined give any text back exactly, unless the
/// vocabulary lacks one of its bytes (SmolLM2 has no token for control character 4, for example).
/// Text is taken as it is: like llama.cpp, and unlike some models' authors, without Unicode
/// normalisation, which model files don't mention.
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
    /// All tokens that end an answer.
    package let endOfGenerationTokens: Set<TokenID>
    /// The tokens around a gap, if the model was trained to fill one in.
    package let gapTokens: GapTokens?

    let vocabulary: Vocabulary
    let specialTokens: SpecialTokens
    private let controlTokens: Set<TokenID>

    /// Unpacks the vocabulary in a model file's metadata, keys `tokenizer.ggml.…`.
    ///
    /// Throws when the kind of tokenizer isn't supported or the vocabulary is damaged.
    package init(metadata: GGUFMetadata) throws(TokenizerError) {
        let source = VocabularySource(metadata: metadata)
        let rules = try source.rules()
        let tokens = try source.tokens()
        let types = try source.types(count: tokens.count)
        vocabulary = try Vocabulary(
            tokens: tokens,
            types: types,
            merges: try source.merges(),
            rules: rules
        )
        vocabularySize = tokens.count
        beginningToken = try source.token("bos_token_id", vocabularySize: tokens.count)
        endToken = try source.token("eos_token_id", vocabularySize: tokens.count)
        addsBeginningToken =
            try source.addsBeginningToken(default: rules.addsBeginningToken)
            && beginningToken != nil

        var named: [TokenID] = []
        for key in EndOfGeneration.keys {
            if let token = try source.token(key, vocabularySize: tokens.count) {
                named.append(token)
            }
        }
        let byText = source.tokens(withTexts: EndOfGeneration.texts, in: tokens)
        endOfGenerationTokens = EndOfGeneration.tokens(named: named, byText: byText)

        gapTokens = try GapTokens(source: source, tokens: tokens)

        var control = Set(byText.values)
        for index in types.indices where types[index] == .control {
            control.insert(TokenID(index))
        }
        controlTokens = control
        specialTokens = SpecialTokens(
            types.indices.compactMap { index in
                if control.contains(TokenID(index)) { return (TokenID(index), true) }
                switch types[index] {
                case .unknown: return (TokenID(index), true)
                case .userDefined: return (TokenID(index), false)
                default: return nil
                }
            },
            pieces: vocabulary.pieces
        )
    }

    /// The bytes that a token adds to a text; for a control token the bytes of its name, such as
    /// `<|im_end|>`.
    ///
    /// Not always whole characters: see `IncrementalDetokenizer`.
    package func bytes(of token: TokenID) -> [UInt8] {
        precondition(token >= 0 && token < vocabularySize, "a token must be in the vocabulary")
        return Array(vocabulary.pieces.bytes[vocabulary.pieces.range(at: Int(token))])
    }

    /// Whether a token steers the model instead of being text.
    package func isControl(_ token: TokenID) -> Bool {
        controlTokens.contains(token)
    }

    /// The text of tokens; what isn't UTF-8 in it becomes U+FFFD.
    ///
    /// Control tokens give no text unless wanted.
    package func detokenize(_ tokens: [TokenID], controlTokens: Bool = false) -> String {
        var bytes: [UInt8] = []
        for token in tokens where controlTokens || !isControl(token) {
            bytes.append(contentsOf: self.bytes(of: token))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
