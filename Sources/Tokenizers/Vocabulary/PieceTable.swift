/// Finds a token by its bytes: an open-addressed hash table over a `PieceList`.
struct PieceTable: Sendable {
    /// Token ids, -1 where free; the length is a power of two.
    private var slots: [TokenID]
    /// Differs in every process, so that no file can be made to collide.
    private let seed = UInt64.random(in: .min ... .max)

    init(minimumCapacity: Int) {
        var capacity = 16
        while capacity < 2 * minimumCapacity { capacity *= 2 }
        slots = [TokenID](repeating: -1, count: capacity)
    }

    /// Adds a token of `pieces`, unless one with the same bytes is in the table already.
    mutating func insert(_ token: TokenID, pieces: PieceList) {
        let range = pieces.range(at: Int(token))
        let slot = slot(of: pieces.bytes, range, in: pieces)
        if slots[slot] < 0 { slots[slot] = token }
    }

    /// The token whose bytes are `text[range]`.
    func token(of text: [UInt8], _ range: Range<Int>, in pieces: PieceList) -> TokenID? {
        let token = slots[slot(of: text, range, in: pieces)]
        return token < 0 ? nil : token
    }

    /// The slot that holds these bytes, or the free one where they belong.
    private func slot(of text: [UInt8], _ range: Range<Int>, in pieces: PieceList) -> Int {
        let mask = slots.count - 1
        var hash = seed
        for index in range {
            hash = (hash ^ UInt64(text[index])) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 32
        }
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] >= 0 {
            let candidate = pieces.range(at: Int(slots[slot]))
            if candidate.count == range.count, equal(pieces.bytes, candidate, text, range) {
                break
            }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private func equal(
        _ left: [UInt8],
        _ leftRange: Range<Int>,
        _ right: [UInt8],
        _ rightRange: Range<Int>
    ) -> Bool {
        for offset in 0..<leftRange.count
        where left[leftRange.lowerBound + offset] != right[rightRange.lowerBound + offset] {
            return false
        }
        return true
    }
}
