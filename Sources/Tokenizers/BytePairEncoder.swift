/// Encodes one piece of text after the other by merging neighbouring tokens, lowest rank first and
/// of equal ranks the leftmost.
///
/// Holds the scratch memory; confined to one call of `encode`.
struct BytePairEncoder {
    /// Up to this many symbols a plain search for the lowest rank beats a heap.
    private static let maximumSearchedCount = 48
    private static let noMerge = UInt32.max

    private let vocabulary: Vocabulary
    private var tokens: [TokenID] = []
    /// `merges[i]` joins symbol i and the one after it; its rank is `noMerge` if nothing does.
    private var merges: [MergeTable.Merge] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = RankHeap()

    init(vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
    }

    /// Appends the tokens of `text[range]`, which isn't empty.
    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into output: inout [TokenID]) {
        if vocabulary.ignoresMerges,
            let token = vocabulary.table.token(of: text, range, in: vocabulary.pieces)
        {
            output.append(token)
            return
        }
        tokens.removeAll(keepingCapacity: true)
        for index in range {
            let token = vocabulary.byteTokens[Int(text[index])]
            if token >= 0 { tokens.append(token) }
        }
        guard tokens.count > 1 else {
            output.append(contentsOf: tokens)
            return
        }
        merges.removeAll(keepingCapacity: true)
        for index in 0..<tokens.count {
            merges.append(merge(index, index + 1))
        }
        if tokens.count <= Self.maximumSearchedCount {
            mergeBySearch()
        } else {
            mergeByHeap()
        }
        output.append(contentsOf: tokens)
    }

    /// How the symbols at two places join.
    private func merge(_ left: Int, _ right: Int) -> MergeTable.Merge {
        guard right < tokens.count else { return MergeTable.Merge(rank: Self.noMerge, token: 0) }
        return vocabulary.merges.merge(tokens[left], tokens[right])
            ?? MergeTable.Merge(rank: Self.noMerge, token: 0)
    }

    private mutating func mergeBySearch() {
        while true {
            var best = 0
            for index in 1..<merges.count where merges[index].rank < merges[best].rank {
                best = index
            }
            guard merges[best].rank != Self.noMerge else { return }
            tokens[best] = merges[best].token
            tokens.remove(at: best + 1)
            merges.remove(at: best + 1)
            merges[best] = merge(best, best + 1)
            if best > 0 { merges[best - 1] = merge(best - 1, best) }
            if tokens.count == 1 { return }
        }
    }

    /// The same with a heap of (rank, place) and a linked list of symbols.
    ///
    /// An entry of the heap is stale if its symbol's merge has another rank by now: a rank belongs
    /// to one pair only.
    private mutating func mergeByHeap() {
        let count = tokens.count
        next = (1...Int32(count)).map { $0 }
        previous = (-1..<Int32(count) - 1).map { $0 }
        heap.fill(
            merges.indices.lazy.filter { [merges] in merges[$0].rank != Self.noMerge }
                .map { [merges] in RankHeap.entry(rank: merges[$0].rank, place: $0) }
        )
        while let (rank, place) = heap.popLowest() {
            guard merges[place].rank == rank else { continue }
            let removed = Int(next[place])
            let after = Int(next[removed])
            tokens[place] = merges[place].token
            tokens[removed] = -1
            merges[removed].rank = Self.noMerge
            next[place] = Int32(after)
            if after < count { previous[after] = Int32(place) }
            update(place, after)
            if previous[place] >= 0 { update(Int(previous[place]), place) }
        }
        tokens.removeAll { $0 < 0 }
    }

    private mutating func update(_ left: Int, _ right: Int) {
        merges[left] = merge(left, right)
        if merges[left].rank != Self.noMerge {
            heap.insert(RankHeap.entry(rank: merges[left].rank, place: left))
        }
    }
}

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
