import ModelFiles

/// A byte-level vocabulary with its merges, as encoding needs it.
///
/// Immutable.
struct Vocabulary: Sendable {
    /// A token's type, numbered as in `tokenizer.ggml.token_type`.
    enum TokenType: UInt8, Sendable {
        case normal = 1
        case unknown = 2
        case control = 3
        case userDefined = 4
        case unused = 5
        case byte = 6
    }

    /// More tokens than any vocabulary has; the largest have some 260,000.
    static let maximumTokenCount = 1 << 22
    /// More merges than any vocabulary has; Llama 3's has 280,000.
    static let maximumMergeCount = 1 << 22

    /// Each token's bytes: of text for most, of its name for control tokens.
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
        rules: PreTokenizer.Rules
    ) throws(TokenizerError) {
        var pieces = PieceList(minimumCapacity: tokens.count, byteCapacity: 8 * tokens.count)
        var table = PieceTable(minimumCapacity: tokens.count)
        // Merging leads to tokens in the byte alphabet. One in plain text with the same bytes was
        // added to the vocabulary later and never results from merges.
        var laterTokens: [TokenID] = []
        for index in 0..<tokens.count {
            let text = tokens.bytes[tokens.byteRange(at: index)]
            let token = TokenID(index)
            switch types[index] {
            case .normal, .unused, .byte:
                if pieces.append({ ByteAlphabet.appendBytes(of: text, to: &$0) }) {
                    table.insert(token, pieces: pieces)
                }
            case .unknown, .control:
                pieces.append { $0.append(contentsOf: text) }
            case .userDefined:
                pieces.append { $0.append(contentsOf: text) }
                laterTokens.append(token)
            }
        }
        for token in laterTokens { table.insert(token, pieces: pieces) }
        byteTokens = try Self.byteTokens(table, pieces)
        self.merges = try Self.mergeTable(merges, table: table, pieces: pieces)
        self.pieces = pieces
        self.table = table
        ignoresMerges = rules.ignoresMerges
        preTokenizer = rules.preTokenizer
    }

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
        table: PieceTable,
        pieces: PieceList
    ) throws(TokenizerError) -> MergeTable {
        var result = MergeTable(minimumCapacity: merges.count)
        var joined: [UInt8] = []
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
            ByteAlphabet.appendBytes(of: merges.bytes[range.lowerBound..<space], to: &joined)
            let middle = joined.count
            ByteAlphabet.appendBytes(of: merges.bytes[(space + 1)..<range.upperBound], to: &joined)
            guard let left = table.token(of: joined, 0..<middle, in: pieces),
                let right = table.token(of: joined, middle..<joined.count, in: pieces),
                let token = table.token(of: joined, 0..<joined.count, in: pieces)
            else { throw invalid("has a part or a result that isn't in the vocabulary") }
            result.insert(left, right, MergeTable.Merge(rank: UInt32(index), token: token))
        }
        return result
    }

    private static func firstSpace(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        for index in range where bytes[index] == UInt8(ascii: " ") { return index }
        return nil
    }
}
