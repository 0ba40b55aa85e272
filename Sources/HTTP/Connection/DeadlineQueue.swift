import Platform

/// Deadlines of connections, earliest first: a binary heap.
///
/// Entries are not removed when a deadline moves; whoever takes one out looks whether it still
/// holds.
struct DeadlineQueue: Sendable {
    struct Entry: Sendable, Hashable {
        var deadline: MonotonicInstant
        var token: UInt64
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    /// The earliest entry.
    var first: Entry? { entries.first }

    /// - Complexity: O(log *n*)
    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the earliest entry if it is due.
    ///
    /// - Complexity: O(log *n*)
    mutating func popDue(now: MonotonicInstant) -> Entry? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        siftDown(from: 0)
        return first
    }

    /// Drops the entries that do not hold any more.
    ///
    /// - Complexity: O(*n*)
    mutating func removeAll(where isStale: (Entry) -> Bool) {
        entries.removeAll(where: isStale)
        for parent in stride(from: entries.count / 2 - 1, through: 0, by: -1) {
            siftDown(from: parent)
        }
    }

    private mutating func siftDown(from start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].deadline < entries[least].deadline { least = child }
            }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
