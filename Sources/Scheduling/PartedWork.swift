/// What it takes to compute a sequence whole but not at once.
///
/// Its T tokens pass a model of L layers in L + 1 rounds: a round is the rest of one layer and the
/// queries, keys and values of the next. The rows of a round can be computed some at a time, all of
/// them before the next round; the last one is for the rows alone whose results are wanted. Number
/// `round * T + row` of the work is a row in a round.
struct PartedWork: Sendable, Hashable {
    /// T.
    let tokenCount: Int
    /// L.
    let layerCount: Int
    /// Rows of the last round.
    let endRowCount: Int

    /// Rows of all rounds.
    var count: Int { layerCount * tokenCount + endRowCount }

    /// What some of the work costs: all of it together what the sequence does.
    ///
    /// Of a layer's products queries, keys and values have about a quarter.
    func size(of range: Range<Int>) -> StepCostModel.Size {
        let first = range.clamped(to: 0..<tokenCount).count
        let last = range.clamped(to: layerCount * tokenCount..<count).count
        let middle = range.count - first - last
        let quarters = first + 4 * middle + 3 * last
        return StepCostModel.Size(
            tokenCount: (quarters + 4 * layerCount - 1) / (4 * layerCount),
            keyCount: (middle + last) * (tokenCount + 1) / (2 * layerCount),
            logitRowCount: range.upperBound == count ? 1 : 0
        )
    }
}
