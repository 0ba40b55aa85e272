import KVCache
import Platform
import WorkerProtocol

extension Scheduler {
    /// The order in which running sequences get blocks: by class, then by arrival.
    static func comesFirst(_ first: SequenceProgress, _ second: SequenceProgress) -> Bool {
        (first.account.priority.rawValue, first.id) < (second.account.priority.rawValue, second.id)
    }

    /// The sequence that never gives way.
    private var oldest: SequenceProgress? { running.min(by: Self.comesFirst) }

    /// Gives a sequence blocks for its next tokens, if need be those of sequences after it that
    /// are not in the plan.
    ///
    /// - Returns: Where the sequence is now, or nil if there are too few blocks.
    mutating func extendTable(
        of id: SequenceID,
        by tokenCount: Int,
        _ draft: inout StepDraft,
        now: MonotonicInstant
    ) -> Int? {
        while let index = running.firstIndex(where: { $0.id == id }) {
            let end = Self.blockCount(tokens: running[index].computedTokenCount + tokenCount)
            if running[index].table.blocks.count >= end { return index }
            if let block = cache.allocate() {
                running[index].table.append(block)
                continue
            }
            missingBlockCount = max(missingBlockCount, end - running[index].table.blocks.count)
            let oldest = oldest?.id
            let victim = running.filter {
                $0.id != oldest && !draft.contains($0.id) && Self.comesFirst(running[index], $0)
            }
            .max(by: Self.comesFirst)
            guard let victim else { return nil }
            preempt(victim.id, &draft, forBlocks: true, now: now)
        }
        return nil
    }

    /// Rule 4: before anybody is planned, the oldest gets the block it needs next.
    mutating func secureOldest(_ draft: inout StepDraft, now: MonotonicInstant) {
        guard cache.availableCount == 0, let oldest else { return }
        _ = extendTable(of: oldest.id, by: 1, &draft, now: now)
    }

    /// Rule 5.
    mutating func makeWay(_ draft: inout StepDraft, now: MonotonicInstant) {
        guard let first = firstWaiting(now: now) else { return }
        while running.count >= limits.runningCount || !hasBlocks(for: first) && !mayGrow {
            let oldest = oldest?.id
            let victims = running.filter {
                $0.id != oldest && givesWay($0, to: first)
                    && rank(of: first, now: now) < rank(of: $0, now: now)
            }
            guard let victim = victims.max(by: Self.comesFirst) else { return }
            preempt(victim.id, &draft, forBlocks: false, now: now)
        }
    }

    private func givesWay(_ sequence: SequenceProgress, to first: SequenceProgress) -> Bool {
        if sequence.account.priority != first.account.priority {
            return first.account.priority < sequence.account.priority
        }
        let (theirs, ours) = (sequence.account.key, first.account.key)
        guard theirs != ours else { return false }
        if running.count >= limits.runningCount {
            return isUnequal(theirs, ours, of: limits.runningCount) { _ in 1 }
        }
        return isUnequal(theirs, ours, of: cache.pool.grantedBlockCount, reservedBlockCount)
    }

    /// Whether one key has more than its share of places or blocks, and another less.
    private func isUnequal(
        _ theirs: String,
        _ ours: String,
        of total: Int,
        _ count: (SequenceProgress) -> Int
    ) -> Bool {
        func use(_ key: String) -> Double {
            Double(running.reduce(0) { $0 + ($1.account.key == key ? count($1) : 0) })
        }
        func share(_ key: String) -> Double { Double(total) * shares.share(of: key) }
        return use(theirs) > max(1, share(theirs).rounded(.up))
            && use(ours) < max(1, share(ours).rounded(.down))
    }

    /// Whether there are blocks for a sequence, some of its output, and the same for all who run.
    mutating func hasBlocks(for sequence: SequenceProgress) -> Bool {
        if running.isEmpty { return true }
        if needsParts(sequence, targetSeconds: Self.seconds(limits.promptStepTarget)),
            let missing = missingBlockCount(forParts: sequence)
        {
            missingBlockCount = max(missingBlockCount, missing)
            return missing <= 0
        }
        let known =
            sequence.usesCache
            ? cache.adoptableCount(
                after: sequence.table,
                tokens: sequence.tokens,
                limit: sequence.adoptableLimit
            ) : (all: 0, cached: 0)
        let missing =
            reservedBlockCount(sequence) - known.all
            - (cache.availableCount - known.cached - outstandingBlockCount)
        missingBlockCount = max(missingBlockCount, missing)
        return missing <= 0
    }

    /// Blocks that those who run may still need.
    var outstandingBlockCount: Int {
        running.reduce(0) { $0 + max(0, reservedBlockCount($1) - $1.table.blocks.count) }
    }

    private func reservedBlockCount(_ sequence: SequenceProgress) -> Int {
        Self.blockCount(
            tokens: min(
                sequence.tokens.count + limits.reservedOutputTokenCount,
                sequence.maximumTokenCount
            )
        )
    }

    private mutating func preempt(
        _ id: SequenceID,
        _ draft: inout StepDraft,
        forBlocks: Bool,
        now: MonotonicInstant
    ) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        var sequence = running.remove(at: index)
        cache.release(sequence.table, now: now)
        sequence.startOver()
        waiting.insert(sequence, at: waiting.firstIndex { id < $0.id } ?? waiting.count)
        draft.note(preempted: id, forBlocks: forBlocks)
    }
}
