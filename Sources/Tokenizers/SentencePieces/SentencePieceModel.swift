import ModelFiles

/// A SentencePiece vocabulary of the byte-pair kind, as Llama 2, Mistral and Gemma have it: two
/// neighbours merge if their texts together are a token, the token with the highest score first.
///
/// Model files write `▁` for a space; here it is a space. Immutable.
struct SentencePieceModel: SubwordModel {
    let pieces: PieceList
    let table: PieceTable
    /// Each token's rank, lower for a higher score; equal scores have equal ranks.
    let ranks: [UInt32]
    /// The token of each byte; -1 where the vocabulary has none.
    let byteTokens: [TokenID]
    /// What stands for a character that is neither a token nor made of byte tokens.
    let unknownToken: TokenID?
    let spacePrefix: SpacePrefix
    /// Bytes of the longest token.
    private let maximumPieceByteCount: Int

    /// Unpacks the vocabulary of a model file.
    ///
    /// Names of control tokens are never the result of a merge, so that no text can spell one.
    ///
    /// - Complexity: O(n) in the bytes of tokens.
    init(
        tokens: StringTable,
        types: [TokenType],
        scores: [Float],
        unknownToken: TokenID?,
        spacePrefix: SpacePrefix
    ) throws(TokenizerError) {
        byteTokens = try ByteToken.tokens(tokens, types)
        let pieces = PieceList(unescaping: tokens, types: types)
        var table = PieceTable(minimumCapacity: tokens.count)
        var maximum = 0
        for index in types.indices {
            switch types[index] {
            case .normal, .userDefined, .unused:
                table.insert(TokenID(index), pieces: pieces)
                maximum = max(maximum, pieces.range(at: index).count)
            case .unknown, .control, .byte:
                break
            }
        }
        ranks = scores.map(Self.rank)
        self.pieces = pieces
        self.table = table
        self.unknownToken = unknownToken
        self.spacePrefix = spacePrefix
        maximumPieceByteCount = maximum
    }

    func makeEncoder() -> any SubwordEncoder { SentencePieceEncoder(model: self) }

    /// The bits of a score in descending order; equal for both zeros.
    private static func rank(_ score: Float) -> UInt32 {
        let bits = (score + 0).bitPattern
        return score < 0 ? bits : ~(bits | 1 << 31)
    }
}

extension SentencePieceModel: MergeRules {
    func merge(
        _ text: [UInt8],
        _ left: SymbolMerger<Self>.Symbol,
        _ right: SymbolMerger<Self>.Symbol
    ) -> Merge? {
        let range = left.range.lowerBound..<right.range.upperBound
        guard range.count <= maximumPieceByteCount,
            let token = table.token(of: text, range, in: pieces)
        else { return nil }
        return Merge(rank: ranks[Int(token)], token: token)
    }
}

/// Merges the characters of a stretch of text.
struct SentencePieceEncoder: SubwordEncoder {
    private let model: SentencePieceModel
    private var merger: SymbolMerger<SentencePieceModel>
    private var unescaped: [UInt8] = []

    init(model: SentencePieceModel) {
        self.model = model
        merger = SymbolMerger(rules: model)
    }

    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into output: inout [TokenID]) {
        unescaped.removeAll(keepingCapacity: true)
        switch model.spacePrefix {
        case .never: break
        case .atStart: if range.lowerBound == 0 { unescaped.append(UInt8(ascii: " ")) }
        case .atStretches: unescaped.append(UInt8(ascii: " "))
        }
        EscapedSpace.appendUnescaped(text[range], to: &unescaped)
        merger.symbols.removeAll(keepingCapacity: true)
        var start = 0
        while start < unescaped.count {
            let end = min(start + UTF8Repair.sequenceLength(unescaped[start]), unescaped.count)
            let token = model.table.token(of: unescaped, start..<end, in: model.pieces) ?? -1
            merger.symbols.append(.init(token: token, range: start..<end))
            start = end
        }
        merger.merge(unescaped)
        var wasUnknown = false
        for symbol in merger.symbols {
            let isUnknown = !append(symbol, into: &output)
            if isUnknown, !wasUnknown, let token = model.unknownToken { output.append(token) }
            wasUnknown = isUnknown
        }
    }

    /// Appends a symbol's token or those of its bytes.
    ///
    /// - Returns: Whether there are such tokens.
    private func append(
        _ symbol: SymbolMerger<SentencePieceModel>.Symbol,
        into output: inout [TokenID]
    ) -> Bool {
        if symbol.token >= 0 {
            output.append(symbol.token)
            return true
        }
        let tokens = unescaped[symbol.range].map { model.byteTokens[Int($0)] }
        guard tokens.allSatisfy({ $0 >= 0 }) else { return false }
        output.append(contentsOf: tokens)
        return true
    }
}
