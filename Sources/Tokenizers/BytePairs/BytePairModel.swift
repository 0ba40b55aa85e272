import ModelFiles

/// A vocabulary with merges, as encoding needs it.
///
/// Immutable.
struct BytePairModel: SubwordModel {
    /// What a text is taken apart into before anything is merged.
    enum Alphabet: Sendable {
        /// Bytes, each written as a printable character: see `ByteAlphabet`.
        case bytes
        /// Characters, with `▁` for the space; one that has no token is taken apart into bytes with
        /// tokens like `<0x0A>`.
        case characters
    }

    /// More merges than any vocabulary has; Gemma 4's has 515,000.
    static let maximumMergeCount = 1 << 22

    let alphabet: Alphabet
    let pieces: PieceList
    /// Finds the tokens that merging can lead to, by their bytes.
    let table: PieceTable
    /// The token of each byte; -1 where the vocabulary has none, as some lack rare control
    /// characters and bytes of unassigned planes.
    ///
    /// Encoding leaves such bytes out, as the reference does.
    let byteTokens: [TokenID]
    let merges: MergeTable
    /// A piece that is a token is taken as it is, whether or not merges lead to it.
    let ignoresMerges: Bool
    let preTokenizer: PreTokenizer

    /// Unpacks the vocabulary of a model file.
    ///
    /// - Complexity: O(n) in the bytes of tokens and merges.
    init(
        tokens: StringTable,
        types: [TokenType],
        merges: StringTable,
        settings: PreTokenizerSettings
    ) throws(TokenizerError) {
        let alphabet = settings.alphabet
        var pieces = PieceList(minimumCapacity: tokens.count, byteCapacity: 8 * tokens.count)
        var table = PieceTable(minimumCapacity: tokens.count)
        // Merging leads to tokens in the alphabet. One in plain text with the same bytes was added to
        // the vocabulary later and never results from merges.
        var laterTokens: [TokenID] = []
        for index in 0..<tokens.count {
            let text = tokens.bytes[tokens.byteRange(at: index)]
            let token = TokenID(index)
            switch (types[index], alphabet) {
            case (.unknown, _), (.control, _):
                pieces.append { $0.append(contentsOf: text) }
            case (.userDefined, _):
                pieces.append { $0.append(contentsOf: text) }
                laterTokens.append(token)
            case (.byte, .characters):
                pieces.append { $0.append(contentsOf: ByteToken.byte(text).map { [$0] } ?? []) }
            case (_, .bytes):
                if pieces.append({ ByteAlphabet.appendBytes(of: text, to: &$0) }) {
                    table.insert(token, pieces: pieces)
                }
            case (_, .characters):
                pieces.append { EscapedSpace.appendUnescaped(text, to: &$0) }
                table.insert(token, pieces: pieces)
            }
        }
        for token in laterTokens { table.insert(token, pieces: pieces) }
        byteTokens =
            switch alphabet {
            case .bytes: try Self.byteTokens(table, pieces)
            case .characters: try ByteToken.tokens(tokens, types)
            }
        self.merges = try Self.mergeTable(merges, alphabet, table: table, pieces: pieces)
        self.alphabet = alphabet
        self.pieces = pieces
        self.table = table
        ignoresMerges = settings.ignoresMerges
        preTokenizer = settings.preTokenizer
    }

    func makeEncoder() -> any SubwordEncoder { BytePairEncoder(model: self) }

    private static func byteTokens(
        _ table: PieceTable,
        _ pieces: PieceList
    ) throws(TokenizerError) -> [TokenID] {
        var tokens: [TokenID] = []
        for byte in UInt8.min...UInt8.max {
            let token = table.token(of: [byte], 0..<1, in: pieces)
            // Printable ASCII is what makes a vocabulary one of bytes.
            guard token != nil || !(0x20...0x7E).contains(byte) else {
                throw .missingByteToken(byte)
            }
            tokens.append(token ?? -1)
        }
        return tokens
    }

    private static func mergeTable(
        _ merges: StringTable,
        _ alphabet: Alphabet,
        table: PieceTable,
        pieces: PieceList
    ) throws(TokenizerError) -> MergeTable {
        var result = MergeTable(minimumCapacity: merges.count)
        var joined: [UInt8] = []
        func append(_ text: ArraySlice<UInt8>) {
            switch alphabet {
            case .bytes: ByteAlphabet.appendBytes(of: text, to: &joined)
            case .characters: EscapedSpace.appendUnescaped(text, to: &joined)
            }
        }
        for index in 0..<merges.count {
            let range = merges.byteRange(at: index)
            func invalid(_ reason: String) -> TokenizerError {
                .invalidMerge(index: index, text: merges[index], reason: reason)
            }
            // A space in a token is written as another character, so a space can only separate.
            guard let space = firstSpace(merges.bytes, range), space > range.lowerBound,
                space + 1 < range.upperBound,
                firstSpace(merges.bytes, space + 1..<range.upperBound) == nil
            else { throw invalid("isn't two tokens with a space between them") }
            joined.removeAll(keepingCapacity: true)
            append(merges.bytes[range.lowerBound..<space])
            let middle = joined.count
            append(merges.bytes[(space + 1)..<range.upperBound])
            guard let left = table.token(of: joined, 0..<middle, in: pieces),
                let right = table.token(of: joined, middle..<joined.count, in: pieces),
                let token = table.token(of: joined, 0..<joined.count, in: pieces)
            else { throw invalid("has a part or a result that isn't in the vocabulary") }
            result.insert(left, right, Merge(rank: UInt32(index), token: token))
        }
        return result
    }

    private static func firstSpace(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        for index in range where bytes[index] == UInt8(ascii: " ") { return index }
        return nil
    }
}

extension BytePairModel: MergeRules {
    func merge(
        _ text: [UInt8],
        _ left: SymbolMerger<Self>.Symbol,
        _ right: SymbolMerger<Self>.Symbol
    ) -> Merge? {
        guard left.token >= 0, right.token >= 0 else { return nil }
        return merges.merge(left.token, right.token)
    }
}
