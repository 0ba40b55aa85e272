import KVCache
package import Platform
import WorkerProtocol

extension Scheduler {
    /// The order in which prompts are computed and waiting sequences admitted.
    struct PromptRank: Comparable {
        let urgency: Int
        let share: FairShare.Rank
        let id: SequenceID

        static func < (first: PromptRank, second: PromptRank) -> Bool {
            if first.urgency != second.urgency { return first.urgency < second.urgency }
            if first.share < second.share { return true }
            if second.share < first.share { return false }
            return first.id < second.id
        }
    }

    func rank(of sequence: SequenceProgress, now: MonotonicInstant) -> PromptRank {
        PromptRank(
            urgency: urgency(of: sequence, now: now),
            share: shares.rank(of: sequence.account),
            id: sequence.id
        )
    }

    private func urgency(of sequence: SequenceProgress, now: MonotonicInstant) -> Int {
        let priority = sequence.account.priority
        let isWaiting = sequence.table.blocks.isEmpty && sequence.computedTokenCount == 0
        let hasTurn =
            isWaiting && turns.isDue(priority, now: now, interval: limits.turnInterval)
        return sequence.isPromoted || hasTurn ? 0 : Int(priority.rawValue)
    }

    /// The sequences that wait, in the order in which they would be admitted now.
    package func waitingOrder(now: MonotonicInstant) -> [SequenceID] {
        waiting.map { rank(of: $0, now: now) }.sorted().map(\.id)
    }

    func firstWaiting(now: MonotonicInstant) -> SequenceProgress? {
        let first = waiting.lazy.map { rank(of: $0, now: now) }.min()
        return first.flatMap { first in waiting.first { $0.id == first.id } }
    }

    /// Rules 2 and 6.
    mutating func planPrompts(_ draft: inout StepDraft, now: MonotonicInstant) {
        let target = draft.targetSeconds
        let targetBesideParts = targetBesideParts(draft, now: now)
        draft.targetSeconds = targetBesideParts
        planPromptsAtOnce(&draft, now: now)
        guard [running, waiting].joined().contains(where: \.isWhole) else { return }
        draft.targetSeconds = target
        planParts(&draft, besideTarget: targetBesideParts, now: now)
    }

    private mutating func planPromptsAtOnce(_ draft: inout StepDraft, now: MonotonicInstant) {
        var mayAdmit = !draft.isShortOfBlocks
        let prompts = running.filter { !draft.contains($0.id) && !$0.isDecoding }
        let hasPlaces = mayAdmit && running.count < limits.runningCount
        let newcomers = waiting.filter { !draft.plan.preempted.contains($0.id) }
        let candidates = (hasPlaces ? prompts + newcomers : prompts).filter {
            !needsParts($0, targetSeconds: draft.targetSeconds)
        }
        for id in candidates.map({ rank(of: $0, now: now) }).sorted().map(\.id) {
            guard hasTime(draft) else { return }
            if let index = waiting.firstIndex(where: { $0.id == id }) {
                mayAdmit =
                    mayAdmit && running.count < limits.runningCount
                    && hasBlocks(for: waiting[index])
                guard mayAdmit else { continue }
                admit(at: index, now: now)
            }
            planPrompt(id, &draft, now: now)
            if draft.isShortOfBlocks { mayAdmit = false }
        }
    }

    /// Makes a waiting sequence a running one.
    mutating func admit(at index: Int, now: MonotonicInstant) {
        var sequence = waiting.remove(at: index)
        sequence.isPromoted = rank(of: sequence, now: now).urgency == 0
        turns.served(sequence.account.priority, now: now)
        let place = running.firstIndex { sequence.id < $0.id } ?? running.count
        running.insert(sequence, at: place)
    }

    private func hasTime(_ draft: StepDraft) -> Bool {
        draft.size.tokenCount < limits.stepTokenCount
            && (!draft.hasPrompt || costs.seconds(draft.size) < draft.targetSeconds)
    }

    private mutating func planPrompt(
        _ id: SequenceID,
        _ draft: inout StepDraft,
        now: MonotonicInstant
    ) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        if running[index].usesCache, running[index].isAtBlockBoundary {
            adoptBlocks(at: index)
            if isComputedByOthers(running[index], draft) { return }
            adoptTail(at: index, &draft)
        }
        let count = chunkTokenCount(running[index], draft)
        guard count > 0, let index = extendTable(of: id, by: count, &draft, now: now) else {
            return
        }
        addEntry(at: index, tokenCount: count, to: &draft, isPrompt: true)
        if count == running[index].missingTokenCount, running[index].expectsOutput {
            // Somebody gets a token from this step now.
            draft.targetSeconds = min(draft.targetSeconds, decodingTarget(draft))
        }
    }

    private mutating func adoptBlocks(at index: Int) {
        let count = cache.adoptBlocks(
            into: &running[index].table,
            tokens: running[index].tokens,
            limit: running[index].adoptableLimit
        )
        running[index].adopt(count)
    }

    private mutating func adoptTail(at index: Int, _ draft: inout StepDraft) {
        let sequence = running[index]
        guard
            let tail = cache.adoptTail(
                into: &running[index].table,
                tokens: sequence.tokens,
                limit: sequence.adoptableLimit
            )
        else { return }
        draft.note(copy: tail.copy)
        running[index].adopt(tail.tokenCount)
        // Known to others from now on, as every computed position.
        let position = sequence.computedTokenCount
        cache.record(
            position..<position + tail.tokenCount,
            in: &running[index].table,
            tokens: sequence.tokens
        )
    }

    /// Rule 3: whether a sequence of this step is on its way to compute the next tokens of another
    /// one that is at a block boundary.
    private func isComputedByOthers(_ sequence: SequenceProgress, _ draft: StepDraft) -> Bool {
        let position = sequence.computedTokenCount
        let place = position / KVStorage.blockTokenCount
        let blockEnd = position + KVStorage.blockTokenCount
        return draft.plan.entries.contains { entry in
            guard (position..<blockEnd).contains(entry.firstPosition),
                let other = running.first(where: { $0.id == entry.id }),
                other.table.hasSameWay(as: sequence.table, through: place)
            else { return false }
            let common = zip(
                sequence.tokens[position..<sequence.adoptableLimit],
                other.tokens[position...]
            )
            let useful = common.prefix { $0 == $1 }.count - (entry.firstPosition - position)
            return useful >= Self.awaitedTokenCount
        }
    }

    /// Fewer tokens than this are computed rather than waited for.
    private static let awaitedTokenCount = 8

    /// The most prompt tokens of the very first step.
    private static let firstChunkTokenCount = 32

    /// Whether all of a sequence can be computed in this step; the first one always can.
    private func fits(_ sequence: SequenceProgress, _ draft: StepDraft) -> Bool {
        guard draft.size.tokenCount > 0 else { return true }
        let size = StepCostModel.Size(
            tokenCount: sequence.missingTokenCount,
            firstPosition: 0,
            logitRowCount: 1
        )
        return draft.size.tokenCount + size.tokenCount <= limits.stepTokenCount
            && costs.seconds(draft.size + size) <= draft.targetSeconds
    }

    /// As many tokens as the step has time for.
    private func chunkTokenCount(_ sequence: SequenceProgress, _ draft: StepDraft) -> Int {
        let missing = sequence.missingTokenCount
        if sequence.isWhole { return fits(sequence, draft) ? missing : 0 }
        // Nothing is known about larger steps before smaller ones were measured.
        let untried = max(Self.firstChunkTokenCount, 2 * costs.largestTokenCount)
        let most = min(
            missing,
            sequence.maximumChunkTokenCount,
            limits.stepTokenCount - draft.size.tokenCount,
            untried
        )
        var fitting = 0
        var step = 1 << (Int.bitWidth - 1 - max(1, most).leadingZeroBitCount)
        while step > 0 {
            let size = StepCostModel.Size(
                tokenCount: fitting + step,
                firstPosition: sequence.computedTokenCount,
                logitRowCount: fitting + step == missing ? 1 : 0
            )
            if fitting + step <= most, costs.seconds(draft.size + size) <= draft.targetSeconds {
                fitting += step
            }
            step /= 2
        }
        let least = min(most, limits.minimumPromptTokenCount)
        if fitting < least { return draft.hasPrompt ? 0 : least }
        if fitting == missing { return missing }
        // Others can take blocks that are full.
        let end = sequence.computedTokenCount + fitting
        let aligned = end - end % KVStorage.blockTokenCount
        return aligned > sequence.computedTokenCount
            ? aligned - sequence.computedTokenCount : fitting
    }
}
