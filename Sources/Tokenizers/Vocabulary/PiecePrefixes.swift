/// Finds the tokens that a text begins with at some place.
///
/// The tokens lie in the order of their bytes, so that those with a common beginning are neighbours;
/// a search narrows the neighbours byte by byte and ends as soon as none is left.
struct PiecePrefixes: Sendable {
    /// The tokens by their bytes, of equal ones the lower id first.
    private let sorted: [TokenID]
    /// The tokens that start with byte b are those from `starts[b]` to `starts[b + 1]`.
    private let starts: [Int]

    /// `tokens` are numbers in `pieces`; empty strings are left out.
    init(_ tokens: some Sequence<TokenID>, pieces: PieceList) {
        // The first eight bytes decide nearly every comparison.
        var keyed: [(key: UInt64, token: TokenID)] = []
        var starts = [Int](repeating: 0, count: 257)
        for token in tokens {
            let piece = pieces[token]
            guard let first = piece.first else { continue }
            var key: UInt64 = 0
            for byte in piece.prefix(8) { key = key << 8 | UInt64(byte) }
            keyed.append((key << UInt64(8 * (8 - min(8, piece.count))), token))
            starts[Int(first) + 1] += 1
        }
        keyed.sort { left, right in
            if left.key != right.key { return left.key < right.key }
            let (leftPiece, rightPiece) = (pieces[left.token], pieces[right.token])
            if leftPiece.lexicographicallyPrecedes(rightPiece) { return true }
            return left.token < right.token && leftPiece.elementsEqual(rightPiece)
        }
        sorted = keyed.map(\.token)
        for byte in 0..<256 { starts[byte + 1] += starts[byte] }
        self.starts = starts
    }

    /// Calls `body` with each token that `text[position..<end]` begins with, the shortest first, and
    /// with the place behind it.
    ///
    /// - Complexity: O(l log n) in the length of the longest beginning that any token shares.
    func forEach(
        _ text: [UInt8],
        at position: Int,
        end: Int,
        pieces: PieceList,
        _ body: (_ token: TokenID, _ end: Int) -> Void
    ) {
        let first = Int(text[position])
        var low = starts[first]
        var high = starts[first + 1]
        var length = 1
        while low < high {
            // All candidates share `length` bytes; one that has no more comes first.
            if pieces.range(at: Int(sorted[low])).count == length {
                body(sorted[low], position + length)
                low += 1
                continue
            }
            guard position + length < end else { return }
            let next = Int(text[position + length])
            low = firstCandidate(low, high, length, atLeast: next, pieces)
            high = firstCandidate(low, high, length, atLeast: next + 1, pieces)
            length += 1
        }
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
