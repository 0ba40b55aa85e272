/// A set of items that is emptied without touching its memory: one is used for all closures.
///
/// Open addressing with linear probing; a slot counts only if it bears the mark of the current filling.
struct ItemSet {
    /// The number of items in it.
    private(set) var count = 0
    private var items: [ParseSets.Item]
    private var marks: [UInt32]
    private var mark: UInt32 = 1

    private static let nothing = ParseSets.Item(state: 0, count: 0, origin: 0)

    init() {
        items = [ParseSets.Item](repeating: Self.nothing, count: 256)
        marks = [UInt32](repeating: 0, count: 256)
    }

    /// Removes all items.
    mutating func removeAll() {
        count = 0
        mark &+= 1
        guard mark == 0 else { return }
        marks = [UInt32](repeating: 0, count: marks.count)
        mark = 1
    }

    /// Adds an item; false if it was there.
    mutating func insert(_ item: ParseSets.Item) -> Bool {
        // A power of two, at most half full.
        var slot = Int(truncatingIfNeeded: item.digest >> 20) & (marks.count - 1)
        while marks[slot] == mark {
            if items[slot] == item { return false }
            slot = (slot + 1) & (marks.count - 1)
        }
        items[slot] = item
        marks[slot] = mark
        count += 1
        if 2 * count > marks.count { grow() }
        return true
    }

    private mutating func grow() {
        let kept = marks.indices.filter { marks[$0] == mark }.map { items[$0] }
        items = [ParseSets.Item](repeating: Self.nothing, count: 2 * marks.count)
        marks = [UInt32](repeating: 0, count: items.count)
        mark = 1
        count = 0
        for item in kept { _ = insert(item) }
    }
}
