/// The tokens that are found in text as a whole, before anything is split or merged.
///
/// User-defined tokens are found anywhere, control tokens in trusted text only. Of several that
/// start at the same place the longest wins.
struct SpecialTokens: Sendable {
    /// The tokens, sorted by their bytes.
    private let sorted: [TokenID]
    private let needsTrust: [Bool]
    /// The tokens that start with byte b are those from `starts[b]` to `starts[b + 1]`.
    private let starts: [Int]

    /// `tokens` are numbers in `pieces`; empty strings are left out.
    init(_ tokens: [(token: TokenID, needsTrust: Bool)], pieces: PieceList) {
        let ordered =
            tokens
            .filter { !pieces.range(at: Int($0.token)).isEmpty }
            .sorted {
                pieces.bytes[pieces.range(at: Int($0.token))]
                    .lexicographicallyPrecedes(pieces.bytes[pieces.range(at: Int($1.token))])
            }
        sorted = ordered.map(\.token)
        needsTrust = ordered.map(\.needsTrust)
        var starts = [Int](repeating: 0, count: 257)
        for token in sorted {
            starts[Int(pieces.bytes[pieces.range(at: Int(token)).lowerBound]) + 1] += 1
        }
        for byte in 0..<256 { starts[byte + 1] += starts[byte] }
        self.starts = starts
    }

    /// The longest token that starts at `text[position]` and where it ends.
    ///
    /// Tokens that need trust must end by `trustedEnd`, the others by `end`.
    func longestMatch(
        _ text: [UInt8],
        at position: Int,
        trustedEnd: Int,
        end: Int,
        pieces: PieceList
    ) -> (token: TokenID, end: Int)? {
        let first = Int(text[position])
        var low = starts[first]
        var high = starts[first + 1]
        var best: (token: TokenID, end: Int)?
        var length = 1
        while low < high {
            // All candidates share `length` bytes; one that has no more comes first.
            let range = pieces.range(at: Int(sorted[low]))
            if range.count == length {
                let isAllowed = !needsTrust[low] || position + length <= trustedEnd
                if isAllowed { best = (sorted[low], position + length) }
                low += 1
                continue
            }
            guard position + length < end else { break }
            let next = Int(text[position + length])
            low = firstCandidate(low, high, length, atLeast: next, pieces)
            high = firstCandidate(low, high, length, atLeast: next + 1, pieces)
            length += 1
        }
        return best
    }

    private func firstCandidate(
        _ low: Int,
        _ high: Int,
        _ offset: Int,
        atLeast byte: Int,
        _ pieces: PieceList
    ) -> Int {
        var low = low
        var high = high
        while low < high {
            let middle = (low + high) / 2
            let start = pieces.range(at: Int(sorted[middle])).lowerBound
            if Int(pieces.bytes[start + offset]) < byte {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
