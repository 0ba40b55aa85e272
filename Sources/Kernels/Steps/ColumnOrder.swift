// Safety: the storage is filled by `init` and never written again.

/// Which column of its input each column of a matrix is for, at a fixed address for the kernels.
///
/// A matrix whose groups of inputs with a common scale aren't neighbours is stored in such an order
/// that they are. Immutable; safe from any thread.
@safe
package final class ColumnOrder: @unchecked Sendable {
    /// The number of columns.
    package let count: Int

    let storage: UnsafeMutablePointer<Int32>

    /// Copies `columns`: by the matrix' columns those of the input, each once.
    package init(_ columns: [Int32]) {
        var isThere = [Bool](repeating: false, count: columns.count)
        for column in columns {
            precondition(
                isThere.indices.contains(Int(column)) && !isThere[Int(column)],
                "an order has each column once"
            )
            isThere[Int(column)] = true
        }
        count = columns.count
        unsafe storage = .allocate(capacity: columns.count)
        for (index, column) in columns.enumerated() {
            // Safety: `index` is below the capacity.
            unsafe (storage + index).initialize(to: column)
        }
    }

    deinit {
        // Safety: allocated by `init`; numbers need no deinitialisation.
        unsafe storage.deallocate()
    }

    /// Whether two orders, or the lack of them, are the same.
    static func areSame(_ first: ColumnOrder?, _ second: ColumnOrder?) -> Bool {
        guard let first, let second else { return first == nil && second == nil }
        return first.count == second.count
            // Safety: both have so many columns.
            && (0..<first.count).allSatisfy { unsafe first.storage[$0] == second.storage[$0] }
    }
}
