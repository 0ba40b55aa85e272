import ModelFiles

/// A unigram vocabulary, as T5 and XLM-RoBERTa have it: of all ways to cut a text into tokens the one
/// with the highest sum of scores.
///
/// Model files write `▁` for a space; here it is a space. Immutable.
struct UnigramModel: SubwordModel {
    /// How much worse than the worst token a character without one is.
    private static let unknownPenalty: Float = 10

    let pieces: PieceList
    let prefixes: PiecePrefixes
    /// The logarithm of each token's probability; 0 for user-defined tokens, which thereby win.
    let scores: [Double]
    /// What stands for characters without a token; without it they are left out.
    let unknownToken: TokenID?
    let unknownScore: Double
    let normalizer: UnigramNormalizer

    /// Unpacks the vocabulary of a model file.
    ///
    /// - Complexity: O(n log n) in the tokens.
    init(
        tokens: StringTable,
        types: [TokenType],
        scores: [Float],
        unknownToken: TokenID?,
        normalizer: UnigramNormalizer
    ) {
        pieces = PieceList(unescaping: tokens, types: types)
        prefixes = PiecePrefixes(
            types.indices.lazy.filter {
                types[$0] == .normal || types[$0] == .userDefined || types[$0] == .unused
            }
            .map { TokenID($0) },
            pieces: pieces
        )
        self.scores = types.indices.map { types[$0] == .userDefined ? 0 : Double(scores[$0]) }
        let lowest = types.indices.lazy.filter { types[$0] == .normal }.map { scores[$0] }.min()
        unknownScore = Double((lowest ?? 0) - Self.unknownPenalty)
        self.unknownToken = unknownToken
        self.normalizer = normalizer
    }

    func makeEncoder() -> any SubwordEncoder { UnigramEncoder(model: self) }
}

/// Finds the best cut with Viterbi's algorithm.
struct UnigramEncoder: SubwordEncoder {
    /// The best way to cut the text up to some place.
    private struct Cut {
        var score = -Double.infinity
        /// The last token; -1 for a character without one.
        var token: TokenID = -1
        /// Where the last token starts.
        var start = 0
    }

    private let model: UnigramModel
    private var text: [UInt8] = []
    private var cuts: [Cut] = []

    init(model: UnigramModel) {
        self.model = model
    }

    mutating func encode(_ source: [UInt8], _ range: Range<Int>, into output: inout [TokenID]) {
        text.removeAll(keepingCapacity: true)
        model.normalizer.append(source, range, to: &text)
        guard !text.isEmpty else { return }
        findCuts()
        // From the end back to the start; neighbours without a token are one unknown.
        let count = output.count
        var end = text.count
        var wasUnknown = false
        while end > 0 {
            let cut = cuts[end]
            let isUnknown = cut.token < 0
            if !isUnknown {
                output.append(cut.token)
            } else if !wasUnknown, let unknown = model.unknownToken {
                output.append(unknown)
            }
            wasUnknown = isUnknown
            end = cut.start
        }
        output[count...].reverse()
    }

    private mutating func findCuts() {
        cuts.removeAll(keepingCapacity: true)
        cuts.append(contentsOf: repeatElement(Cut(), count: text.count + 1))
        cuts[0].score = 0
        var position = 0
        while position < text.count {
            let score = cuts[position].score
            let next = min(position + UTF8Repair.sequenceLength(text[position]), text.count)
            var isToken = false
            model.prefixes.forEach(
                text,
                at: position,
                end: text.count,
                pieces: model.pieces
            ) { token, end in
                if end == next { isToken = true }
                let challenger = score + model.scores[Int(token)]
                if challenger > cuts[end].score {
                    cuts[end] = Cut(score: challenger, token: token, start: position)
                }
            }
            if !isToken, score + model.unknownScore > cuts[next].score {
                cuts[next] = Cut(score: score + model.unknownScore, token: -1, start: position)
            }
            position = next
        }
    }
}
