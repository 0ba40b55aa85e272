import ModelFiles

/// BERT's vocabulary: words are taken apart into the longest pieces that it has.
///
/// Model files mark pieces that begin a word with `▁`; here that is a space, as such a piece adds one
/// to a text. Immutable.
struct WordPieceModel: SubwordModel {
    /// Words of more characters are unknown as a whole, as they are to the `transformers` package.
    static let maximumWordCharacterCount = 100

    let pieces: PieceList
    /// The pieces that words may be made of.
    let prefixes: PiecePrefixes
    /// What stands for a word that has no pieces; without it such words are left out.
    let unknownToken: TokenID?
    let normalizer: WordNormalizer

    /// Unpacks the vocabulary of a model file.
    ///
    /// - Complexity: O(n log n) in the tokens.
    init(
        tokens: StringTable,
        types: [TokenType],
        unknownToken: TokenID?,
        normalizer: WordNormalizer
    ) {
        var pieces = PieceList(minimumCapacity: tokens.count, byteCapacity: 8 * tokens.count)
        for index in 0..<tokens.count {
            let text = tokens.bytes[tokens.byteRange(at: index)]
            let isText = types[index] == .normal || types[index] == .unused
            pieces.append { bytes in
                if isText, text.starts(with: EscapedSpace.bytes) {
                    bytes.append(UInt8(ascii: " "))
                    bytes.append(contentsOf: text.dropFirst(EscapedSpace.bytes.count))
                } else {
                    bytes.append(contentsOf: text)
                }
            }
        }
        self.pieces = pieces
        prefixes = PiecePrefixes(
            types.indices.lazy.filter { types[$0] == .normal || types[$0] == .unused }
                .map { TokenID($0) },
            pieces: pieces
        )
        self.unknownToken = unknownToken
        self.normalizer = normalizer
    }

    func makeEncoder() -> any SubwordEncoder { WordPieceEncoder(model: self) }
}

/// Splits text into words and words into pieces.
struct WordPieceEncoder: SubwordEncoder {
    private let model: WordPieceModel
    /// A space and the word so far.
    private var word: [UInt8] = [UInt8(ascii: " ")]
    private var characterCount = 0

    init(model: WordPieceModel) {
        self.model = model
    }

    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into output: inout [TokenID]) {
        model.normalizer.forEach(text[range]) { scalar, role in
            switch role {
            case .partOfWord:
                append(scalar)
            case .wordOfItsOwn:
                finishWord(into: &output)
                append(scalar)
                finishWord(into: &output)
            case .betweenWords:
                finishWord(into: &output)
            }
        }
        finishWord(into: &output)
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        word.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        characterCount += 1
    }

    private mutating func finishWord(into output: inout [TokenID]) {
        guard characterCount > 0 else { return }
        let count = output.count
        var position = 0
        if characterCount <= WordPieceModel.maximumWordCharacterCount {
            while position < word.count {
                var longest: (token: TokenID, end: Int)?
                model.prefixes.forEach(
                    word,
                    at: position,
                    end: word.count,
                    pieces: model.pieces
                ) { token, end in
                    if longest?.end != end { longest = (token, end) }
                }
                guard let longest else { break }
                output.append(longest.token)
                position = longest.end
            }
        }
        if position < word.count {
            output.removeSubrange(count...)
            if let token = model.unknownToken { output.append(token) }
        }
        word.removeSubrange(1...)
        characterCount = 0
    }
}
