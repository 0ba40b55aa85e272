/// What a step costs, learnt from the steps that were computed.
///
/// seconds = base + token × tokens + key × keys + logitRow × logit rows. The coefficients are a
/// weighted least-squares fit of the relative error over the steps so far, each step counting 3 %
/// less than the next: a neighbour on the machine, or a slower clock, shows after some dozen steps.
/// A coefficient that would be negative is taken as 0. What the steps of late leave open stays as
/// it was: the fit before counts for a thousandth of a step. It begins with a rough guess.
///
/// Pure; durations are parameters.
package struct StepCostModel: Sendable {
    /// What a step computes.
    package struct Size: Sendable, Hashable {
        /// Tokens.
        package var tokenCount = 0
        /// Positions that all tokens together attend to.
        package var keyCount = 0
        /// Tokens whose logits are wanted.
        package var logitRowCount = 0

        /// Makes a size.
        package init(tokenCount: Int = 0, keyCount: Int = 0, logitRowCount: Int = 0) {
            self.tokenCount = tokenCount
            self.keyCount = keyCount
            self.logitRowCount = logitRowCount
        }

        /// The size of consecutive tokens of one sequence.
        package init(tokenCount: Int, firstPosition: Int, logitRowCount: Int) {
            self.tokenCount = tokenCount
            keyCount = tokenCount * firstPosition + tokenCount * (tokenCount + 1) / 2
            self.logitRowCount = logitRowCount
        }

        /// Both together.
        package static func + (first: Size, second: Size) -> Size {
            Size(
                tokenCount: first.tokenCount + second.tokenCount,
                keyCount: first.keyCount + second.keyCount,
                logitRowCount: first.logitRowCount + second.logitRowCount
            )
        }

        var features: [Double] {
            [1, Double(tokenCount), Double(keyCount), Double(logitRowCount)]
        }
    }

    private static let featureCount = 4
    /// Seconds for each feature: a small model on a slow machine.
    private static let guess = [5e-3, 1e-3, 1e-8, 1e-4]
    private static let priorWeight = 1e-3
    private static let retention = 0.97

    /// The normal equations of the steps.
    private var products = Array(
        repeating: Array(repeating: 0.0, count: featureCount),
        count: featureCount
    )
    private var targets = Array(repeating: 0.0, count: featureCount)
    private var coefficients = guess
    /// The most tokens of a step that was measured.
    package private(set) var largestTokenCount = 0
    /// The most keys of a step that was measured.
    package private(set) var largestKeyCount = 0

    /// Makes a model that knows nothing but a guess.
    package init() {}

    /// Learns from a step that took some time.
    package mutating func observe(_ size: Size, seconds: Double) {
        guard seconds > 0, size.tokenCount > 0 else { return }
        largestTokenCount = max(largestTokenCount, size.tokenCount)
        largestKeyCount = max(largestKeyCount, size.keyCount)
        let scaled = size.features.map { $0 / seconds }
        for row in 0..<Self.featureCount {
            for column in 0..<Self.featureCount {
                products[row][column] *= Self.retention
                products[row][column] += scaled[row] * scaled[column]
            }
            targets[row] = targets[row] * Self.retention + scaled[row]
        }
        fit()
    }

    /// The expected seconds of a step.
    package func seconds(_ size: Size) -> Double {
        size.tokenCount == 0 ? 0 : coefficients[0] + additionalSeconds(size)
    }

    /// The expected seconds by which a step grows that computes this too.
    package func additionalSeconds(_ size: Size) -> Double {
        let features = size.features
        return (1..<Self.featureCount).reduce(0) { $0 + coefficients[$1] * features[$1] }
    }

    /// Solves for the coefficients; those that come out negative are 0, and the rest is solved
    /// again.
    private mutating func fit() {
        var active = Array(0..<Self.featureCount)
        while !active.isEmpty {
            var solution = solve(active)
            let kept = active.filter { solution[$0] > 0 }
            if kept.count == active.count {
                for feature in 0..<Self.featureCount where !active.contains(feature) {
                    solution[feature] = 0
                }
                coefficients = solution
                return
            }
            active = kept
        }
    }

    /// Gaussian elimination; the fit before makes the matrix regular.
    private func solve(_ active: [Int]) -> [Double] {
        var rows = active.map { row -> [Double] in
            let prior = Self.priorWeight / (Self.guess[row] * Self.guess[row])
            return active.map { products[row][$0] + ($0 == row ? prior : 0) }
                + [targets[row] + prior * coefficients[row]]
        }
        for pivot in rows.indices {
            for row in rows.indices.dropFirst(pivot + 1) {
                let factor = rows[row][pivot] / rows[pivot][pivot]
                for column in pivot..<rows[row].count {
                    rows[row][column] -= factor * rows[pivot][column]
                }
            }
        }
        var solution = Array(repeating: 0.0, count: Self.featureCount)
        for pivot in rows.indices.reversed() {
            let known = rows.indices.dropFirst(pivot + 1).reduce(0) {
                $0 + rows[pivot][$1] * solution[active[$1]]
            }
            solution[active[pivot]] = (rows[pivot][rows.count] - known) / rows[pivot][pivot]
        }
        return solution
    }
}
