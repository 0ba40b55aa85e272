/// A binary heap of ranks and places, lowest rank first, of equal ranks the leftmost place.
struct RankHeap {
    private var entries: [UInt64] = []

    static func entry(rank: UInt32, place: Int) -> UInt64 {
        UInt64(rank) << 32 | UInt64(place)
    }

    /// Replaces the content.
    mutating func fill(_ new: some Collection<UInt64>) {
        entries.removeAll(keepingCapacity: true)
        entries.append(contentsOf: new)
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) {
            siftDown(index)
        }
    }

    mutating func insert(_ entry: UInt64) {
        entries.append(entry)
        var index = entries.count - 1
        while index > 0, entries[(index - 1) / 2] > entry {
            entries[index] = entries[(index - 1) / 2]
            index = (index - 1) / 2
        }
        entries[index] = entry
    }

    mutating func popLowest() -> (rank: UInt32, place: Int)? {
        guard let lowest = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            siftDown(0)
        }
        return (UInt32(lowest >> 32), Int(lowest & 0xFFFF_FFFF))
    }

    private mutating func siftDown(_ start: Int) {
        let entry = entries[start]
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            guard entries[child] < entry else { break }
            entries[index] = entries[child]
            index = child
        }
        entries[index] = entry
    }
}
