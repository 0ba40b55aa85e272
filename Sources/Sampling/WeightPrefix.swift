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
    /// Three histograms over the bits of the weights, each inside the bin where the goal lies,
    /// narrow the cut to one value; tokens with that very value are then counted off.
    ///
    /// - Complexity: O(V), at most three passes, whatever the distribution is.
    static func reaching(
        _ goal: Goal,
        in workspace: SamplingWorkspace
    ) -> (prefix: WeightPrefix, mass: Double) {
        var bits: UInt32 = 0
        var countAbove = 0
        var massAbove = 0.0
        var countAtCut = 0
        for shift: Int32 in [20, 10, 0] {
            // Safety: the workspace's buffers have the sizes the function documents.
            unsafe torii_weights_histogram(
                workspace.weights.baseAddress,
                Int32(workspace.vocabularySize),
                bits,
                shift,
                workspace.binCounts.baseAddress,
                workspace.binMasses.baseAddress
            )
            var lastUsed: Int?
            var bin = TORII_WEIGHT_BINS - 1
            while bin >= 0 {
                // Safety: `bin` is inside the histogram.
                let count = unsafe Int(workspace.binCounts[bin])
                let mass = unsafe workspace.binMasses[bin]
                if count > 0 {
                    // The last bin that holds something ends the search even if the goal lies
                    // beyond everything (a count above V, a mass above the sum by rounding).
                    if let last = lastUsed {
                        let lastCount = unsafe Int(workspace.binCounts[last])
                        let lastMass = unsafe workspace.binMasses[last]
                        countAbove += lastCount
                        massAbove += lastMass
                    }
                    lastUsed = bin
                    if reaches(goal, countAbove + count, massAbove + mass) { break }
                }
                bin -= 1
            }
            let chosen = lastUsed ?? 0
            countAtCut = unsafe Int(workspace.binCounts[chosen])
            bits = bits << UInt32(TORII_WEIGHT_BIN_BITS) | UInt32(chosen)
        }
        let cut = Float(bitPattern: bits)
        let ties = tieCount(goal, cut, countAtCut, countAbove, massAbove)
        return (
            WeightPrefix(cut: cut, tieCount: Int32(clamping: ties)),
            massAbove + Double(ties) * Double(cut)
        )
    }

    private static func reaches(_ goal: Goal, _ count: Int, _ mass: Double) -> Bool {
        switch goal {
        case .count(let wanted): count >= wanted
        case .mass(let wanted): mass >= wanted
        }
    }

    /// How many tokens whose weight is exactly `cut` are needed, 1...countAtCut.
    private static func tieCount(
        _ goal: Goal,
        _ cut: Float,
        _ countAtCut: Int,
        _ countAbove: Int,
        _ massAbove: Double
    ) -> Int {
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
