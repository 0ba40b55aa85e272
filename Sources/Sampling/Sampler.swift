import CKernels

/// Chooses the tokens of one sequence.
///
/// The order of the rules, for the logits of one position:
///
/// 1. Logits that are not all finite end the sequence (`nonFiniteLogits`).
/// 2. Repetition penalty on the tokens of the last `penaltyWindow` prompt and output tokens:
///    a positive logit is divided by it, others are multiplied.
/// 3. Frequency penalty (times the token's count) and presence penalty (once) on the tokens of
///    the output are subtracted, as OpenAI documents them; then what ``DRYParameters`` says.
/// 4. The logit bias is added, last of the changes, so that -100 and 100 forbid and force.
/// 5. Tokens that aren't allowed are out, whatever their logits are by now.
/// 6. A temperature below 0.00001 takes the largest logit, of equal ones the lowest id.
/// 7. The logits are divided by the temperature and become probabilities.
/// 8. Top-k keeps the k most likely tokens; typical-p the most typical of those (``TypicalSet``);
///    top-p the shortest prefix of those that holds p of their sum; min-p those at least min-p times
///    as likely as the likeliest. Equal probabilities rank by id.
/// 9. ``XTCParameters`` leave out top choices among what is left, if a number from ``Philox`` for
///    (seed, position) says so.
/// 10. Another such number picks from what is left in the order of ids.
///
/// Nothing depends on other sequences, on the batch or on earlier calls other than `accept`.
package struct Sampler: Sendable {
    /// How the tokens are chosen.
    package let parameters: SamplingParameters
    /// The seed in use.
    package let seed: UInt64
    private var penalties: TokenPenalties

    /// Prepares the choice of a sequence's tokens.
    ///
    /// - Parameters:
    ///   - parameters: Within the ranges ``SamplingParameters`` gives.
    ///   - seed: The sequence's seed, chosen by the engine if the parameters have none.
    ///   - prompt: The prompt's tokens, for the penalties.
    ///   - bytes: The bytes that a token adds to the text, for sequence breakers.
    package init(
        parameters: SamplingParameters,
        seed: UInt64,
        prompt: some BidirectionalCollection<Int32> = EmptyCollection<Int32>(),
        bytes: @escaping @Sendable (Int32) -> [UInt8] = { _ in [] }
    ) {
        self.parameters = parameters
        self.seed = seed
        penalties = TokenPenalties(parameters: parameters, prompt: prompt, bytes: bytes)
    }

    /// Takes a chosen token into the history that penalties look at.
    package mutating func accept(_ token: Int32) {
        penalties.accept(token)
    }

    /// Chooses the token for one position.
    ///
    /// - Parameters:
    ///   - logits: [V], unchanged.
    ///   - position: The token's position in the sequence, prompt included.
    ///   - allowed: A bit for each token that may be chosen, from the lowest of the first word up;
    ///     tokens beyond the words may not. At least one bit below V is set. Nil: all may.
    ///   - workspace: Made for the same vocabulary.
    /// - Returns: An index into `logits`.
    /// - Throws: `nonFiniteLogits`.
    /// - Complexity: O(V); nothing of the size of the vocabulary is sorted or allocated.
    package func sample(
        _ logits: UnsafeBufferPointer<Float>,
        position: Int,
        allowed: [UInt64]? = nil,
        workspace: SamplingWorkspace
    ) throws(SamplingError) -> Int32 {
        precondition(logits.count == workspace.vocabularySize, "one logit for each token")
        let isChanged = !penalties.areNeutral || allowed != nil
        workspace.count = workspace.vocabularySize
        // Safety: `logits` has V elements for the time of the call, as all of the workspace's.
        var summary = unsafe workspace.summarize(logits, copies: isChanged)
        guard summary.is_finite else { throw .nonFiniteLogits }
        var changed = unsafe logits
        if isChanged {
            if !penalties.areNeutral { unsafe penalties.apply(to: workspace.logits) }
            if let allowed { Self.forbid(allBut: allowed, in: workspace) }
            unsafe changed = UnsafeBufferPointer(workspace.logits)
            summary = unsafe workspace.summarize(changed, copies: false)
            guard summary.is_finite else { throw .nonFiniteLogits }
        }
        if isGreedy { return summary.maximum_index }
        if let floor = floorOfTopK(workspace, maximum: summary.maximum) {
            unsafe changed = workspace.keepLogits(changed, from: floor)
        }
        unsafe workspace.kernels.to_weights(
            changed.baseAddress,
            Int32(changed.count),
            summary.maximum,
            1 / parameters.temperature,
            workspace.weights.baseAddress,
            workspace.blockSums.baseAddress
        )
        let place = choosePlace(workspace, Philox.uniform(seed: seed, position: position), position)
        return place.map(workspace.token(at:)) ?? summary.maximum_index
    }

    /// A logit below which top-k keeps none, a little lower than need be; nil: none is known.
    ///
    /// The k-th largest of the blocks' maxima is such a logit: there are k at least as large. The
    /// margin is so wide that a smaller logit has a smaller weight too, rounded as they are.
    private func floorOfTopK(_ workspace: SamplingWorkspace, maximum: Float) -> Float? {
        // Finding the k-th largest costs more with each that is looked for.
        let limit = unsafe min(256, workspace.maxima.count)
        guard parameters.topK > 0, parameters.topK <= limit else { return nil }
        let floor = workspace.largestMaximum(parameters.topK) - 0.01 * parameters.temperature
        // So small weights are all the same: 0.
        return (floor - maximum) / parameters.temperature > -80 ? floor : nil
    }

    /// The place of the chosen token among those that have weights.
    private func choosePlace(
        _ workspace: SamplingWorkspace,
        _ uniform: Double,
        _ position: Int
    ) -> Int32? {
        let kept = keptPrefix(workspace)
        let excludesTopChoices =
            parameters.xtc.probability > 0
            && Philox.uniform(seed: seed, position: position, draw: 1)
                < Double(parameters.xtc.probability)
        if kept == .all, !excludesTopChoices { return drawFromAll(workspace, uniform) }
        var candidates = unsafe workspace.gather(kept)
        if excludesTopChoices {
            unsafe candidates = withoutTopChoices(candidates, workspace)
        }
        return unsafe draw(from: candidates, workspace, uniform)
    }

    /// Gives the tokens that aren't allowed a logit whose probability is 0 at any temperature.
    private static func forbid(allBut allowed: [UInt64], in workspace: SamplingWorkspace) {
        // Safety: the indices are below V, the size of the buffer.
        let logits = unsafe workspace.logits
        let lowest = -Float.greatestFiniteMagnitude
        for first in stride(from: 0, to: workspace.vocabularySize, by: 64) {
            let word = first / 64 < allowed.count ? allowed[first / 64] : 0
            if word == .max { continue }
            for index in first..<min(first + 64, workspace.vocabularySize)
            where word >> UInt64(index - first) & 1 == 0 {
                unsafe logits[index] = lowest
            }
        }
    }

    /// Whether the largest logit wins; a smaller temperature could not be divided by.
    private var isGreedy: Bool { parameters.temperature < 0.00001 || parameters.topK == 1 }

    private func keptPrefix(_ workspace: SamplingWorkspace) -> WeightPrefix {
        var kept = WeightPrefix.all
        // Safety: reads the workspace's own buffers.
        var total = workspace.totalWeight
        var mass = total
        // The likeliest token's weight.
        var largest: Float = 1
        if parameters.topK > 0, parameters.topK < workspace.vocabularySize {
            (kept, mass) = WeightPrefix.reaching(.count(parameters.topK), in: workspace)
        }
        if parameters.typicalP < 1 {
            (mass, largest) = TypicalSet.keep(parameters.typicalP, of: kept, in: workspace)
            total = mass
            kept = .possible
        }
        if parameters.topP < 1 {
            let goal = Double(parameters.topP) * mass
            // All weights below this together are less than what the goal leaves out.
            let floor = Float((total - goal) / Double(workspace.count) * 0.99)
            kept = .shortest(
                kept,
                WeightPrefix.reaching(.mass(goal), floor: floor, in: workspace).prefix
            )
        }
        if parameters.minP > 0 {
            kept = .shortest(
                kept,
                WeightPrefix(cut: parameters.minP * largest, tieCount: .max)
            )
        }
        return kept
    }

    /// The candidates without those that are likely enough, but with the last of these.
    private func withoutTopChoices(
        _ candidates: UnsafeMutableBufferPointer<Int32>,
        _ workspace: SamplingWorkspace
    ) -> UnsafeMutableBufferPointer<Int32> {
        // Safety: the candidates are below V, and what is kept moves to the front.
        var total = 0.0
        for place in candidates.indices {
            let index = unsafe candidates[place]
            total += unsafe Double(workspace.weights[Int(index)])
        }
        let threshold = Double(parameters.xtc.threshold) * total
        func isTopChoice(_ index: Int32) -> Bool {
            let weight = unsafe workspace.weights[Int(index)]
            return weight > 0 && Double(weight) >= threshold
        }
        var last: Int32?
        for place in candidates.indices {
            let index = unsafe candidates[place]
            guard isTopChoice(index) else { continue }
            // Of equal ones the one with the higher id comes later.
            if let best = last,
                unsafe workspace.weights[Int(index)] > workspace.weights[Int(best)]
            {
                continue
            }
            last = index
        }
        var count = 0
        for place in candidates.indices {
            let index = unsafe candidates[place]
            if index != last, isTopChoice(index) { continue }
            unsafe candidates[count] = index
            count += 1
        }
        return unsafe UnsafeMutableBufferPointer(rebasing: candidates[..<count])
    }

    private func drawFromAll(_ workspace: SamplingWorkspace, _ uniform: Double) -> Int32? {
        // Safety: block and index stay inside the workspace's buffers.
        let total = workspace.totalWeight
        var rest = uniform * total
        var block = 0
        while unsafe block + 1 < workspace.blockSums.count,
            unsafe rest >= workspace.blockSums[block]
        {
            unsafe rest -= workspace.blockSums[block]
            block += 1
        }
        let first = block * TORII_SAMPLING_BLOCK
        let end = min(first + TORII_SAMPLING_BLOCK, workspace.count)
        var chosen: Int32?
        for index in first..<end {
            let weight = unsafe Double(workspace.weights[index])
            // A sum in another order may differ in its last bits: then the last possible token.
            if weight > 0 { chosen = Int32(index) }
            if rest < weight { break }
            rest -= weight
        }
        return chosen
    }

    private func draw(
        from candidates: UnsafeMutableBufferPointer<Int32>,
        _ workspace: SamplingWorkspace,
        _ uniform: Double
    ) -> Int32? {
        // Safety: the workspace's buffers have V elements, the candidates are below V.
        var total = 0.0
        for place in candidates.indices {
            let index = unsafe candidates[place]
            total += unsafe Double(workspace.weights[Int(index)])
        }
        var rest = uniform * total
        var chosen: Int32?
        for place in candidates.indices {
            let index = unsafe candidates[place]
            let weight = unsafe Double(workspace.weights[Int(index)])
            if weight > 0 { chosen = index }
            if rest < weight { break }
            rest -= weight
        }
        return chosen
    }
}
