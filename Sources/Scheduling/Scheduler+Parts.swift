import KVCache
import Platform
import WorkerProtocol

// Rule 6: whole sequences that are too large for a step.
extension Scheduler {
    /// Whether a sequence is computed in parts, since all of it takes longer than a step may.
    func needsParts(_ sequence: SequenceProgress, targetSeconds: Double) -> Bool {
        guard sequence.isWhole, !sequence.isInParts else { return sequence.isInParts }
        let size = sequence.missingSize
        guard size.tokenCount <= limits.stepTokenCount else { return true }
        // Before anything was measured there is only a guess.
        return costs.largestTokenCount > 0 && costs.seconds(size) > targetSeconds
    }

    /// The time of a step that is for sequences that are not computed in parts.
    func targetBesideParts(_ draft: StepDraft, now: MonotonicInstant) -> Double {
        guard running.contains(where: \.isInParts) else { return draft.targetSeconds }
        let parted = running.lazy.filter(\.isInParts).map { rank(of: $0, now: now).urgency }.min()
        let others = [running, waiting].joined().lazy.filter { !$0.isInParts }
            .map { rank(of: $0, now: now).urgency }.min()
        guard let parted, let others, parted <= others else { return draft.targetSeconds }
        return draft.targetSeconds / 2
    }

    /// Blocks that are missing for one more sequence in parts, if there are others: together they
    /// leave a step's worth to those that are computed at once.
    func missingBlockCount(forParts sequence: SequenceProgress) -> Int? {
        let parted = running.filter(\.isInParts)
        guard !parted.isEmpty else { return nil }
        let tokenCounts = parted.map(\.tokens.count) + [sequence.tokens.count]
        let wanted = tokenCounts.reduce(0) { $0 + Self.blockCount(tokens: $1) }
        let step = Self.blockCount(tokens: limits.stepTokenCount) + limits.runningCount
        return wanted + step - cache.pool.grantedBlockCount
    }

    /// Plans parts, by turns, in the time that is left; sequences that need it begin.
    ///
    /// - Parameters:
    ///   - draft: The plan so far.
    ///   - targetSeconds: What others had; who does not fit into that is computed in parts.
    ///   - now: The time.
    mutating func planParts(
        _ draft: inout StepDraft,
        besideTarget targetSeconds: Double,
        now: MonotonicInstant
    ) {
        beginParts(draft, targetSeconds: targetSeconds, now: now)
        let parted = running.filter(\.isInParts).map {
            (place: rank(of: $0, now: now), lastPart: $0.lastPart)
        }
        let order = parted.sorted { first, second in
            let (one, other) = (first.place, second.place)
            if one.urgency != other.urgency { return one.urgency < other.urgency }
            if one.share < other.share { return true }
            if other.share < one.share { return false }
            return (first.lastPart, one.id) < (second.lastPart, other.id)
        }
        for id in order.map(\.place.id) { planPart(id, &draft, now: now) }
    }

    private mutating func beginParts(
        _ draft: StepDraft,
        targetSeconds: Double,
        now: MonotonicInstant
    ) {
        let candidates = [running, waiting].joined().filter {
            !$0.isInParts && !draft.contains($0.id) && !draft.plan.preempted.contains($0.id)
                && needsParts($0, targetSeconds: targetSeconds)
        }
        for place in candidates.map({ rank(of: $0, now: now) }).sorted() {
            let urgent = running.count {
                $0.isInParts && rank(of: $0, now: now).urgency <= place.urgency
            }
            guard urgent < limits.partedSequenceCount else { return }
            if let index = waiting.firstIndex(where: { $0.id == place.id }) {
                guard running.count < limits.runningCount, hasBlocks(for: waiting[index])
                else { return }
                admit(at: index, now: now)
            }
            guard let index = running.firstIndex(where: { $0.id == place.id }) else { return }
            running[index].isInParts = true
        }
    }

    private mutating func planPart(
        _ id: SequenceID,
        _ draft: inout StepDraft,
        now: MonotonicInstant
    ) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        let work = nextWork(running[index], draft)
        let tokenCount = running[index].tokens.count
        guard !work.isEmpty,
            let index = extendTable(of: id, by: tokenCount, &draft, now: now)
        else { return }
        let part = StepPlan.Part(work: work, size: running[index].work.size(of: work))
        addEntry(at: index, tokenCount: tokenCount, part: part, to: &draft, isPrompt: true)
        partCount += 1
        running[index].lastPart = partCount
    }

    /// As much of a sequence's work as the step has time for.
    private func nextWork(_ sequence: SequenceProgress, _ draft: StepDraft) -> Range<Int> {
        let (work, start) = (sequence.work, sequence.computedWorkCount)
        let most = work.count - start
        var fitting = 0
        var step = 1 << (Int.bitWidth - 1 - max(1, most).leadingZeroBitCount)
        while step > 0 {
            let size = work.size(of: start..<min(work.count, start + fitting + step))
            if fitting + step <= most, isTried(size),
                costs.seconds(draft.size + size) <= draft.targetSeconds
            {
                fitting += step
            }
            step /= 2
        }
        let least = min(most, KVStorage.blockTokenCount)
        // A step has a part if there are any, even if the time is used up.
        if fitting < least { fitting = draft.plan.entries.last?.part == nil ? least : 0 }
        // Small batches take more time for a row than large ones; whole blocks are no remainders.
        let end = start + fitting
        let remainder = end % work.tokenCount % KVStorage.blockTokenCount
        return start..<(end < work.count && fitting > remainder ? end - remainder : end)
    }

    /// Whether steps of a size were measured, or of half of it.
    private func isTried(_ size: StepCostModel.Size) -> Bool {
        let (tokens, keys) = (costs.largestTokenCount, costs.largestKeyCount)
        return size.tokenCount <= max(KVStorage.blockTokenCount, 2 * tokens)
            && size.keyCount <= max(Self.firstKeyCount, 2 * keys)
    }

    /// The most keys of the very first part.
    private static let firstKeyCount = 1 << 15
}
