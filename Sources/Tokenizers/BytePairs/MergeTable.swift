/// The merges of a byte-pair encoding, found by the two tokens they join.
struct MergeTable: Sendable {
    private var keys: [UInt64]
    private var merges: [Merge]
    private let seed = UInt64.random(in: .min ... .max) | 1

    private static let free = UInt64.max

    init(minimumCapacity: Int) {
        var capacity = 16
        while capacity < 2 * minimumCapacity { capacity *= 2 }
        keys = [UInt64](repeating: Self.free, count: capacity)
        merges = [Merge](repeating: Merge(rank: 0, token: 0), count: capacity)
    }

    /// Adds a merge, unless one of the same pair is in the table already.
    mutating func insert(_ left: TokenID, _ right: TokenID, _ merge: Merge) {
        let key = key(left, right)
        let slot = slot(key)
        guard keys[slot] == Self.free else { return }
        keys[slot] = key
        merges[slot] = merge
    }

    /// The merge of two neighbouring tokens.
    func merge(_ left: TokenID, _ right: TokenID) -> Merge? {
        let key = key(left, right)
        let slot = slot(key)
        return keys[slot] == key ? merges[slot] : nil
    }

    private func key(_ left: TokenID, _ right: TokenID) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private func slot(_ key: UInt64) -> Int {
        let mask = keys.count - 1
        var hash = key &* seed
        hash ^= hash >> 32
        hash = hash &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(truncatingIfNeeded: hash >> 32) & mask
        while keys[slot] != Self.free && keys[slot] != key {
            slot = (slot + 1) & mask
        }
        return slot
    }
}
