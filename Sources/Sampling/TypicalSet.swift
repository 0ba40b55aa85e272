import CKernels
import Glibc

/// The tokens whose surprise is closest to what the distribution lets one expect (locally typical
/// sampling: Meister, Pimentel, Wiher and Cotterell, 2023).
///
/// A token's deviation is the distance of its surprise, -log p, from the entropy. The set holds the
/// tokens with the smallest deviations up to the one with which their probabilities reach a given
/// sum, and those that deviate as much as that one.
enum TypicalSet {
    /// Sets the weights of all other tokens to 0.
    ///
    /// - Parameters:
    ///   - goal: The sum of probabilities to reach, 0...1.
    ///   - prefix: The tokens to choose from.
    ///   - workspace: Holds the weights; their block sums are out of date afterwards.
    /// - Returns: The sum of the weights that are left, and the largest of them.
    /// - Complexity: O(V).
    static func keep(
        _ goal: Float,
        of prefix: WeightPrefix,
        in workspace: SamplingWorkspace
    ) -> (mass: Double, largest: Float) {
        // Safety: all buffers have V elements; the gathered indices are below V.
        let indices = unsafe workspace.gather(prefix)
        var mass = 0.0
        var sum = 0.0
        for place in indices.indices {
            let index = unsafe indices[place]
            let weight = unsafe Double(workspace.weights[Int(index)])
            guard weight > 0 else { continue }
            mass += weight
            sum += weight * log(weight)
        }
        // With p = w / mass: -log p is log(mass) - log(w), and the entropy log(mass) - sum / mass.
        let expected = sum / mass
        for place in indices.indices {
            let weight = unsafe Double(workspace.weights[Int(indices[place])])
            unsafe workspace.selected[place] =
                weight > 0 ? Float(abs(log(weight) - expected)) : .infinity
        }
        let limit = unsafe deviation(reaching: Double(goal) * mass, indices, workspace)
        var kept = (mass: 0.0, largest: Float(0))
        for place in indices.indices {
            let isKept = unsafe workspace.selected[place] <= limit
            let weight = unsafe isKept ? workspace.weights[Int(indices[place])] : 0
            unsafe workspace.selected[place] = weight
            kept.mass += Double(weight)
            kept.largest = max(kept.largest, weight)
        }
        unsafe workspace.weights.update(repeating: 0)
        for place in indices.indices {
            unsafe workspace.weights[Int(indices[place])] = workspace.selected[place]
        }
        return kept
    }

    /// The smallest deviation up to which the weights reach the goal, or the largest there is.
    ///
    /// Non-negative numbers are ordered as their bit patterns are, so eight bits at a time are
    /// decided by a histogram of the weights.
    private static func deviation(
        reaching goal: Double,
        _ indices: UnsafeMutableBufferPointer<Int32>,
        _ workspace: SamplingWorkspace
    ) -> Float {
        var bits: UInt32 = 0
        var massBelow = 0.0
        for shift: UInt32 in [24, 16, 8, 0] {
            var masses = [Double](repeating: 0, count: 256)
            // Safety: there is a deviation for each index, and the indices are below V.
            for place in indices.indices {
                let pattern = unsafe workspace.selected[place].bitPattern
                // Shifting all bits out at once gives 0, which is what nothing decided equals.
                guard pattern >> (shift + 8) == bits else { continue }
                let weight = unsafe Double(workspace.weights[Int(indices[place])])
                masses[Int(pattern >> shift & 0xFF)] += weight
            }
            // Past the last bin that holds something there is only rounding.
            let last = masses.lastIndex { $0 > 0 } ?? 0
            var bin = 0
            while bin < last, masses[bin] == 0 || massBelow + masses[bin] < goal {
                massBelow += masses[bin]
                bin += 1
            }
            bits = bits << 8 | UInt32(bin)
        }
        return Float(bitPattern: bits)
    }
}
