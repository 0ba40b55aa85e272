/// Puts the rows of query and key weights whose heads rotate dimensions `(2i, 2i+1)` into the order
/// that rotates `(i, i + n/2)`, the only one the kernels know.
///
/// A head's scores are sums over its dimensions, so that any order common to queries and keys gives
/// the same model.
struct RotaryRowOrder: Sendable {
    /// D.
    let headDimension: Int
    /// n: the first so many dimensions of a head rotate.
    let rotatedCount: Int

    /// The row of a head that comes to place `index` in it.
    func source(of index: Int) -> Int {
        guard index < rotatedCount else { return index }
        let half = rotatedCount / 2
        return index < half ? 2 * index : 2 * (index - half) + 1
    }

    /// Reorders whole heads of rows of `rowLength` elements.
    func map<Element>(_ rows: [Element], rowLength: Int) -> [Element] {
        let headLength = headDimension * rowLength
        precondition(rows.count.isMultiple(of: headLength), "rows of whole heads are reordered")
        var result: [Element] = []
        result.reserveCapacity(rows.count)
        for head in stride(from: 0, to: rows.count, by: headLength) {
            for index in 0..<headDimension {
                let start = head + source(of: index) * rowLength
                result.append(contentsOf: rows[start..<start + rowLength])
            }
        }
        return result
    }
}
