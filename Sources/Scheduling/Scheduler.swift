package import KVCache
package import Platform
package import WorkerProtocol

/// Decides which sequences compute which tokens in the next step, and who holds which KV blocks.
///
/// Pure: events go in (`submit`, `finish`, `grant`), ``schedule(now:)`` gives a plan, and
/// ``commit(_:chosen:duration:now:)`` says what came of it. Confined to the engine thread as a part
/// of its state.
///
/// | state | event | next state |
/// | --- | --- | --- |
/// | – | `submit`, room in the queue | waiting |
/// | – | `submit`, queue full or larger than all blocks | rejected, not kept |
/// | waiting | `schedule`, first in rank, a place and blocks free | running |
/// | waiting | `schedule`, never started and too late | timed out, not kept |
/// | running | `schedule`, another one comes first | waiting, its blocks in the cache |
/// | running | `commit` | running |
/// | waiting, running | `finish` | gone, its blocks in the cache |
///
/// Rules of a step:
///
/// 1. Every decoding sequence gets its next token, and guessed ones after it where they pay.
/// 2. What is left of the step's time goes to prompts in the order of rank: urgency (class, unless
///    another one has its turn), then who had the least compute (``FairShare``), then arrival. Waiting
///    sequences are admitted in that order; the first is never passed by a smaller one. A sequence
///    that is computed whole waits for a step with enough room, which the first in rank has; smaller
///    ones behind it fill what is left.
/// 3. A prompt takes what is in the cache. If another sequence of this step computes what it needs
///    next, it waits a step for that.
/// 4. If blocks run out, running sequences of lower class, then younger ones give way. The oldest
///    of the highest class never does, so it always gets what it needs.
/// 5. If places or blocks are missing for the first in rank, a sequence of a lower class gives way,
///    or one of a key that has more than its share of the places to one that has less.
/// 6. A whole sequence that is too large for a step is computed in parts (``PartedWork``), a few such
///    sequences by turns. While there are some, others that are no more urgent have half a step, and
///    parts what is left.
package struct Scheduler: Sendable {
    /// The bounds it keeps.
    package let limits: SchedulerLimits
    /// What steps cost.
    package internal(set) var costs = StepCostModel()
    var cache: PrefixCache
    /// In order of arrival.
    var running: [SequenceProgress] = []
    /// In order of arrival.
    var waiting: [SequenceProgress] = []
    var shares = FairShare()
    var occupancy = QueueOccupancy()
    var turns = ClassTurns()
    var throughput = Throughput()
    /// Parts planned so far.
    var partCount: UInt64 = 0
    /// Blocks that somebody waits for, or that somebody gave way for, in the last plan.
    var missingBlockCount = 0
    /// Tokens of admitted requests whose texts have not been submitted.
    var unsubmittedTokenCount = 0
    /// Whether the last wish for slabs was refused.
    var isRefusedSlabs = false
    /// Slabs that are never returned.
    let keptSlabCount: Int

    /// Makes a scheduler without sequences over all blocks of a pool.
    ///
    /// - Parameters:
    ///   - pool: Nothing is allocated. The slabs granted now are kept for good; they hold the
    ///     longest sequence.
    ///   - limits: The bounds to keep.
    package init(pool: BlockPool, limits: SchedulerLimits = SchedulerLimits()) {
        self.limits = limits
        cache = PrefixCache(pool: pool)
        keptSlabCount = pool.grantedSlabCount
    }

    /// Number of sequences that compute.
    package var runningCount: Int { running.count }
    /// Number of sequences that wait.
    package var waitingCount: Int { waiting.count }
    /// Tokens of the sequences that wait.
    package var waitingTokenCount: Int {
        waiting.reduce(unsubmittedTokenCount) { $0 + $1.missingTokenCount }
    }
    /// KV blocks in use.
    package var usedBlockCount: Int { cache.usedCount }
    /// KV blocks that are kept for later prompts.
    package var cachedBlockCount: Int { cache.cachedCount }
    /// KV blocks there are.
    package var blockCount: Int { cache.pool.blockCount }
    /// Whether no sequence is left.
    package var isIdle: Bool { running.isEmpty && waiting.isEmpty }

    /// Prompt tokens of a sequence that were taken from the cache when they were first needed; 0 if
    /// it is unknown.
    package func cachedTokenCount(of id: SequenceID) -> Int {
        let sequence = running.first { $0.id == id } ?? waiting.first { $0.id == id }
        return sequence?.cachedTokenCount ?? 0
    }

    /// Why a sequence is not taken.
    package enum Rejection: Error, Sendable, Hashable {
        /// Too much is under way, for its key or in all.
        case overloaded(AdmissionState)
        /// The sequence could need more tokens than all KV blocks hold.
        case tooLong(maximumTokenCount: Int)
    }

    /// Takes a sequence into the queue.
    ///
    /// - Returns: How full the queue is now for the sequence's key.
    /// - Throws: `Rejection`; the sequence is then unknown.
    package mutating func submit(
        _ submission: SequenceSubmission,
        now: MonotonicInstant
    ) throws(Rejection) -> AdmissionState {
        precondition(!submission.tokens.isEmpty, "a sequence has at least one token")
        let longest = blockCount * KVStorage.blockTokenCount
        guard submission.maximumTokenCount <= longest else {
            throw .tooLong(maximumTokenCount: longest)
        }
        let key = submission.account.key
        let count = submission.tokens.count
        if submission.isMember {
            unsubmittedTokenCount -= count
            precondition(unsubmittedTokenCount >= 0, "a member's request was admitted with it")
        } else {
            guard occupancy.hasRoom(for: key, tokenCount: count, limits: limits.queue) else {
                throw .overloaded(admissionState(of: key))
            }
            occupancy.enter(key, tokenCount: count)
        }
        shares.enter(submission.account)
        let root = cache.root(
            of: submission.account.cacheNamespace,
            weights: submission.weights
        )
        waiting.append(
            SequenceProgress(submission, layerCount: limits.layerCount, root: root, now: now)
        )
        return admissionState(of: key)
    }

    /// Forgets a sequence; nothing happens if it is unknown.
    ///
    /// Its blocks stay in the cache.
    package mutating func finish(_ id: SequenceID, now: MonotonicInstant) {
        if let index = running.firstIndex(where: { $0.id == id }) {
            let sequence = running.remove(at: index)
            cache.release(sequence.table, now: now)
            throughput.finish(outputTokenCount: sequence.tokens.count - sequence.promptTokenCount)
            leave(sequence)
        } else if let index = waiting.firstIndex(where: { $0.id == id }) {
            leave(waiting.remove(at: index))
        }
    }

    mutating func leave(_ sequence: SequenceProgress) {
        if !sequence.isMember {
            occupancy.leave(sequence.account.key, tokenCount: sequence.promptTokenCount)
        }
        shares.leave(sequence.account)
    }

    /// Says which tokens probably follow those that were chosen last, for the next guess; none by
    /// default, and then it is made from what followed before.
    package mutating func expect(_ tokens: [Int32], of id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        running[index].expected = tokens
    }

    /// Says what came of a plan.
    ///
    /// Sequences finished since then are left out.
    ///
    /// - Parameters:
    ///   - plan: The last one from ``schedule(now:)``.
    ///   - chosen: For each entry the tokens that follow the known ones: none unless it reaches the
    ///     end, otherwise one more than guesses that proved right.
    ///   - duration: How long the step took.
    ///   - now: When it ended.
    package mutating func commit(
        _ plan: StepPlan,
        chosen: [[Int32]],
        duration: Duration,
        now: MonotonicInstant
    ) {
        precondition(chosen.count == plan.entries.count, "tokens for each entry")
        let seconds = Double(duration.wholeNanoseconds) / 1e9
        let sizes = plan.entries.map { costs.additionalSeconds($0.size) }
        let total = max(sizes.reduce(0, +), .leastNormalMagnitude)
        for (place, entry) in plan.entries.enumerated() {
            guard let index = running.firstIndex(where: { $0.id == entry.id }) else { continue }
            shares.charge(running[index].account, seconds: seconds * sizes[place] / total)
            advance(at: index, entry, chosen[place])
        }
        costs.observe(plan.size, seconds: seconds)
        throughput.step(tokenCount: chosen.reduce(0) { $0 + $1.count }, seconds: seconds)
    }

    private mutating func advance(at index: Int, _ entry: StepPlan.Entry, _ chosen: [Int32]) {
        if let part = entry.part {
            precondition(
                running[index].computedWorkCount == part.work.lowerBound,
                "a plan is committed once, before the next is made"
            )
            running[index].computedWorkCount = part.work.upperBound
            guard entry.reachesEnd else { return }
        }
        precondition(
            running[index].computedTokenCount == entry.firstPosition,
            "a plan is committed once, before the next is made"
        )
        precondition(chosen.isEmpty || entry.reachesEnd, "the token follows computed ones")
        running[index].tokens += chosen
        precondition(
            running[index].tokens.count <= running[index].maximumTokenCount,
            "a sequence stays within its maximum"
        )
        let knownCount = entry.tokens.count - entry.guessedTokenCount
        let end = entry.firstPosition + knownCount + max(0, chosen.count - 1)
        let tokens = running[index].tokens
        if !running[index].isWhole {
            cache.record(entry.firstPosition..<end, in: &running[index].table, tokens: tokens)
        }
        running[index].advance(to: end)
        guard entry.reachesEnd else { return }
        running[index].learn(guessed: entry.guessedTokenCount, right: max(0, chosen.count - 1))
        running[index].expected = []
    }
}
