import CKernels

/// The most likely tokens down to some rank: a prefix of all tokens in descending order of weight,
/// equal weights in ascending order of id.
///
/// Every filter keeps such a prefix, so several filters keep the shortest of theirs, and a prefix
/// is described without sorting anything: all weights above `cut` and the first `tieCount` (by
/// id) of those equal to it.
struct WeightPrefix: Equatable {
    var cut: Float
    var tieCount: Int32

    /// Keeps every token.
    static let all = WeightPrefix(cut: 0, tieCount: .max)

    /// Keeps every token that can be drawn.
    static let possible = WeightPrefix(cut: .leastNonzeroMagnitude, tieCount: .max)

    /// The shorter one.
    static func shortest(_ first: WeightPrefix, _ second: WeightPrefix) -> WeightPrefix {
        if first.cut != second.cut { return first.cut > second.cut ? first : second }
        return first.tieCount < second.tieCount ? first : second
    }

    /// Where a prefix ends.
    enum Goal {
        /// After this many tokens, 1....
        case count(Int)
        /// After the token with which the sum of weights reaches this, at least one token.
        case mass(Double)
    }

    /// The shortest prefix that reaches the goal, and its sum of weights.
    ///
    /// A histogram over the leading bits of the weights finds the bin where the goal lies; two
    /// more over the weights of that bin narrow the cut to one value, and tokens with that very
    /// value are counted off.
    ///
    /// - Parameters:
    ///   - goal: Where to end.
    ///   - floor: Smaller weights may be left out: those above them are known to reach the goal.
    ///   - workspace: Holds the weights.
    /// - Returns: The prefix, which has at least one token, and the sum of its weights.
    /// - Complexity: O(V), two passes over everything, whatever the distribution is.
    static func reaching(
        _ goal: Goal,
        floor: Float = 0,
        in workspace: SamplingWorkspace
    ) -> (prefix: WeightPrefix, mass: Double) {
        var search = Search(goal: goal)
        // Safety: the workspace's buffers have the sizes the functions document; the selected
        // weights are at most V.
        unsafe torii_weights_histogram(
            workspace.weights.baseAddress,
            Int32(workspace.count),
            floor,
            firstShift,
            workspace.binCounts.baseAddress,
            workspace.binMasses.baseAddress
        )
        search.narrow(workspace)
        var selectedCount = unsafe torii_weights_select(
            workspace.weights.baseAddress,
            Int32(workspace.count),
            search.bits,
            firstShift,
            workspace.selected.baseAddress
        )
        for shift in [firstShift - binBits, firstShift - 2 * binBits] {
            unsafe torii_weights_histogram(
                workspace.selected.baseAddress,
                selectedCount,
                0,
                shift,
                workspace.binCounts.baseAddress,
                workspace.binMasses.baseAddress
            )
            search.narrow(workspace)
            selectedCount = unsafe torii_weights_select(
                workspace.selected.baseAddress,
                selectedCount,
                search.bits,
                shift,
                workspace.selected.baseAddress
            )
        }
        return search.result
    }

    private static let binBits = Int32(TORII_WEIGHT_BIN_BITS)
    /// A weight's pattern has three times as many bits as a bin has.
    private static let firstShift = 2 * binBits

    /// The way down to one value: what is certainly kept, and the bits of the cut found so far.
    private struct Search {
        let goal: Goal
        var bits: UInt32 = 0
        private var countAbove = 0
        private var massAbove = 0.0
        private var countAtCut = 0

        init(goal: Goal) { self.goal = goal }

        /// Goes into the bin of the workspace's histogram where the goal is reached.
        ///
        /// If it is not (a count above V, a mass above the sum by rounding), into the last bin
        /// that holds something.
        mutating func narrow(_ workspace: SamplingWorkspace) {
            var chosen = 0
            countAtCut = 0
            var massAtCut = 0.0
            var bin = Int(TORII_WEIGHT_BINS) - 1
            while bin >= 0 {
                // Safety: `bin` is inside the histogram.
                let count = unsafe Int(workspace.binCounts[bin])
                let mass = unsafe workspace.binMasses[bin]
                if count > 0 {
                    countAbove += countAtCut
                    massAbove += massAtCut
                    (chosen, countAtCut, massAtCut) = (bin, count, mass)
                    if isReached(countAbove + count, massAbove + mass) { break }
                }
                bin -= 1
            }
            bits = bits << UInt32(TORII_WEIGHT_BIN_BITS) | UInt32(chosen)
        }

        private func isReached(_ count: Int, _ mass: Double) -> Bool {
            switch goal {
            case .count(let wanted): count >= wanted
            case .mass(let wanted): mass >= wanted
            }
        }

        var result: (prefix: WeightPrefix, mass: Double) {
            let cut = Float(bitPattern: bits)
            let ties = tieCount(cut)
            return (
                WeightPrefix(cut: cut, tieCount: Int32(clamping: ties)),
                massAbove + Double(ties) * Double(cut)
            )
        }

        /// How many tokens whose weight is exactly `cut` are needed, 1...countAtCut.
        private func tieCount(_ cut: Float) -> Int {
            switch goal {
            case .count(let wanted):
                return max(1, min(countAtCut, wanted - countAbove))
            case .mass(let wanted):
                guard cut > 0 else { return countAtCut }
                let needed = ((wanted - massAbove) / Double(cut)).rounded(.up)
                return max(1, needed < Double(countAtCut) ? Int(needed) : countAtCut)
            }
        }
    }
}
