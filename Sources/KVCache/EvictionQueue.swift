/// Blocks in the order in which they are given up: a binary heap by priority.
///
/// Entries are not removed when a block gets into use again; the owner tells stale ones by their
/// stamp when they come out.
struct EvictionQueue: Sendable {
    /// A block that could be given up when it was added.
    struct Entry: Sendable {
        let block: Int32
        /// The smallest goes first.
        let priority: Double
        /// Distinguishes this use of the block from later ones; also decides between equals.
        let stamp: UInt64

        func precedes(_ other: Entry) -> Bool {
            (priority, stamp) < (other.priority, other.stamp)
        }
    }

    private var heap: [Entry] = []

    var count: Int { heap.count }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the entry with the smallest priority out.
    mutating func popFirst() -> Entry? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        heap[0] = last
        sink(from: 0)
        return first
    }

    /// Forgets all entries but those that satisfy a condition.
    mutating func filter(_ isKept: (Entry) -> Bool) {
        heap = heap.filter(isKept)
        for index in (0..<heap.count / 2).reversed() { sink(from: index) }
    }

    private mutating func sink(from start: Int) {
        var parent = start
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[smallest]) {
                smallest = child
            }
            if smallest == parent { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
