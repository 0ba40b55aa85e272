/// Splits text by the rules of its vocabulary and merges neighbouring tokens within each piece.
struct BytePairEncoder: SubwordEncoder {
    private let model: BytePairModel
    private var merger: SymbolMerger<BytePairModel>
    private var unescaped: [UInt8] = []

    init(model: BytePairModel) {
        self.model = model
        merger = SymbolMerger(rules: model)
    }

    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into output: inout [TokenID]) {
        switch model.alphabet {
        case .bytes:
            encodePieces(text, range, into: &output)
        case .characters:
            unescaped.removeAll(keepingCapacity: true)
            EscapedSpace.appendUnescaped(text[range], to: &unescaped)
            encodePieces(unescaped, 0..<unescaped.count, into: &output)
        }
    }

    private mutating func encodePieces(
        _ text: [UInt8],
        _ range: Range<Int>,
        into output: inout [TokenID]
    ) {
        var scanner = PreTokenizerScanner(
            text,
            range: range,
            preTokenizer: model.preTokenizer
        )
        while let piece = scanner.next() { encodePiece(text, piece, into: &output) }
    }

    private mutating func encodePiece(
        _ text: [UInt8],
        _ range: Range<Int>,
        into output: inout [TokenID]
    ) {
        if model.ignoresMerges,
            let token = model.table.token(of: text, range, in: model.pieces)
        {
            output.append(token)
            return
        }
        merger.symbols.removeAll(keepingCapacity: true)
        switch model.alphabet {
        case .bytes:
            for index in range {
                let token = model.byteTokens[Int(text[index])]
                if token >= 0 {
                    merger.symbols.append(.init(token: token, range: index..<index + 1))
                }
            }
        case .characters:
            var start = range.lowerBound
            while start < range.upperBound {
                let end = min(start + UTF8Repair.sequenceLength(text[start]), range.upperBound)
                let token = model.table.token(of: text, start..<end, in: model.pieces) ?? -1
                merger.symbols.append(.init(token: token, range: start..<end))
                start = end
            }
        }
        merger.merge(text)
        for symbol in merger.symbols {
            if symbol.token >= 0 {
                output.append(symbol.token)
            } else {
                // The reference leaves out bytes that have no token.
                for index in symbol.range {
                    let token = model.byteTokens[Int(text[index])]
                    if token >= 0 { output.append(token) }
                }
            }
        }
    }
}
