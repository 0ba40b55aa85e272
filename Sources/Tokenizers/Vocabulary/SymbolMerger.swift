/// What two neighbouring symbols of a text become together.
protocol MergeRules: Sendable {
    /// The merge of two neighbours in `text`, or nil if they don't join.
    func merge(
        _ text: [UInt8],
        _ left: SymbolMerger<Self>.Symbol,
        _ right: SymbolMerger<Self>.Symbol
    ) -> Merge?
}

/// One merge: its rank (lower merges first) and the token it makes.
struct Merge: Sendable, Equatable {
    var rank: UInt32
    var token: TokenID
}

/// Joins neighbouring symbols of a text, lowest rank first and of equal ranks the leftmost, until no
/// two neighbours join.
///
/// Holds the scratch memory; confined to one call of `encode`.
struct SymbolMerger<Rules: MergeRules> {
    /// A part of the text and the token that it is.
    struct Symbol {
        /// -1 if it isn't one.
        var token: TokenID
        var range: Range<Int>
    }

    private let rules: Rules
    /// The symbols to join, which `merge` leaves joined.
    var symbols: [Symbol] = []
    /// `merges[i]` joins symbol i and the one after it; its rank is `noMerge` if nothing does.
    private var merges: [Merge] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = RankHeap()

    private static var noMerge: Merge { Merge(rank: .max, token: 0) }
    /// Up to this many symbols a plain search for the lowest rank beats a heap.
    private static var maximumSearchedCount: Int { 48 }

    init(rules: Rules) {
        self.rules = rules
    }

    /// Joins the symbols of `text` as far as they do.
    ///
    /// - Complexity: O(n log n) in the number of symbols.
    mutating func merge(_ text: [UInt8]) {
        guard symbols.count > 1 else { return }
        merges.removeAll(keepingCapacity: true)
        for index in symbols.indices { merges.append(merge(text, index, index + 1)) }
        if symbols.count <= Self.maximumSearchedCount {
            mergeBySearch(text)
        } else {
            mergeByHeap(text)
        }
    }

    /// How the symbols at two places join.
    private func merge(_ text: [UInt8], _ left: Int, _ right: Int) -> Merge {
        guard right < symbols.count else { return Self.noMerge }
        return rules.merge(text, symbols[left], symbols[right]) ?? Self.noMerge
    }

    private mutating func mergeBySearch(_ text: [UInt8]) {
        while true {
            var best = 0
            for index in 1..<merges.count where merges[index].rank < merges[best].rank {
                best = index
            }
            guard merges[best].rank != Self.noMerge.rank else { return }
            join(best, best + 1)
            symbols.remove(at: best + 1)
            merges.remove(at: best + 1)
            merges[best] = merge(text, best, best + 1)
            if best > 0 { merges[best - 1] = merge(text, best - 1, best) }
            if symbols.count == 1 { return }
        }
    }

    /// The same with a heap of (rank, place) and a linked list of symbols.
    ///
    /// An entry of the heap is stale if its symbol's merge has another rank by now.
    private mutating func mergeByHeap(_ text: [UInt8]) {
        let count = symbols.count
        next = (1...Int32(count)).map { $0 }
        previous = (-1..<Int32(count) - 1).map { $0 }
        heap.fill(
            merges.indices.lazy.filter { [merges] in merges[$0].rank != Self.noMerge.rank }
                .map { [merges] in RankHeap.entry(rank: merges[$0].rank, place: $0) }
        )
        while let (rank, place) = heap.popLowest() {
            guard merges[place].rank == rank else { continue }
            let removed = Int(next[place])
            let after = Int(next[removed])
            join(place, removed)
            symbols[removed].range = 0..<0
            merges[removed] = Self.noMerge
            next[place] = Int32(after)
            if after < count { previous[after] = Int32(place) }
            update(text, place, after)
            if previous[place] >= 0 { update(text, Int(previous[place]), place) }
        }
        symbols.removeAll { $0.range.isEmpty }
    }

    private mutating func join(_ left: Int, _ right: Int) {
        symbols[left] = Symbol(
            token: merges[left].token,
            range: symbols[left].range.lowerBound..<symbols[right].range.upperBound
        )
    }

    private mutating func update(_ text: [UInt8], _ left: Int, _ right: Int) {
        merges[left] = merge(text, left, right)
        if merges[left].rank != Self.noMerge.rank {
            heap.insert(RankHeap.entry(rank: merges[left].rank, place: left))
        }
    }
}
