import KVCache

/// Decides which sequences compute which tokens in the next step, and who holds which KV blocks.
///
/// Pure: events go in (`submit`, `append`, `finish`), ``schedule()`` gives a plan, and
/// ``commit(_:)`` says that it was computed. Confined to the engine thread as a part of its state.
///
/// | state | event | next state |
/// | --- | --- | --- |
/// | – | `submit`, a place in the queue | waiting |
/// | – | `submit`, queue full or larger than the pool | rejected, not kept |
/// | waiting | `schedule`, first in the queue, a place and blocks free | running |
/// | running | `schedule`, an older one needs its blocks | waiting, nothing computed |
/// | running | `commit`, `append` | running |
/// | waiting, running | `finish` | gone, blocks freed |
///
/// Rules of a step:
///
/// 1. Running sequences go first, the oldest before all others. A decoding one gets its token. One
///    with more tokens missing gets a chunk of what the step's token budget has left.
/// 2. If blocks run out, the youngest running sequence is preempted for the sake of an older one.
///    The youngest itself stays as it is for the step. So the oldest always gets what it needs.
/// 3. Waiting sequences are admitted in order of arrival while budget and places are left, if
///    nobody was preempted, and if blocks are free for their known tokens, a reserve of output
///    tokens, and the same for everyone who runs. The first is never passed by a smaller one. If
///    nobody runs, the reserve is not asked for.
package struct Scheduler: Sendable {
    /// The bounds it keeps.
    package let limits: SchedulerLimits
    private var pool: BlockPool
    /// In order of arrival.
    private var running: [SequenceProgress] = []
    /// In order of arrival; preempted sequences stand before those that never ran.
    private var waiting: [SequenceProgress] = []

    /// Makes a scheduler without sequences over all blocks of a pool.
    package init(blockCount: Int, limits: SchedulerLimits = SchedulerLimits()) {
        self.limits = limits
        pool = BlockPool(blockCount: blockCount)
    }

    /// Number of sequences that compute.
    package var runningCount: Int { running.count }
    /// Number of sequences that wait.
    package var waitingCount: Int { waiting.count }
    /// KV blocks in use.
    package var usedBlockCount: Int { pool.usedCount }
    /// KV blocks there are.
    package var blockCount: Int { pool.blockCount }
    /// Whether no sequence is left.
    package var isIdle: Bool { running.isEmpty && waiting.isEmpty }

    /// Why a sequence is not taken.
    package enum Rejection: Error, Sendable, Hashable {
        /// The waiting queue is full.
        case overloaded
        /// The sequence could need more tokens than all KV blocks hold.
        case tooLong(maximumTokenCount: Int)
    }

    /// Takes a sequence into the queue.
    ///
    /// - Parameters:
    ///   - id: Larger than every id submitted before.
    ///   - promptTokenCount: Known tokens, 1....
    ///   - maximumTokenCount: The most prompt and output tokens it may reach.
    ///   - maximumChunkTokenCount: The most of its tokens in one step, 1....
    /// - Throws: `Rejection`; the sequence is then unknown.
    package mutating func submit(
        _ id: SequenceID,
        promptTokenCount: Int,
        maximumTokenCount: Int,
        maximumChunkTokenCount: Int = .max
    ) throws(Rejection) {
        precondition(promptTokenCount > 0, "a sequence has at least one token")
        precondition(maximumChunkTokenCount > 0, "a chunk has at least one token")
        let longest = pool.blockCount * KVStorage.blockTokenCount
        guard max(promptTokenCount, maximumTokenCount) <= longest else {
            throw .tooLong(maximumTokenCount: longest)
        }
        guard waiting.count < limits.waitingCount else { throw .overloaded }
        waiting.append(
            SequenceProgress(
                id: id,
                tokenCount: promptTokenCount,
                maximumTokenCount: max(promptTokenCount, maximumTokenCount),
                maximumChunkTokenCount: maximumChunkTokenCount
            )
        )
    }

    /// Adds one output token to a running sequence whose known tokens are all computed.
    package mutating func append(to id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else {
            preconditionFailure("only a running sequence gets tokens")
        }
        precondition(running[index].missingTokenCount == 0, "the token follows computed ones")
        precondition(
            running[index].tokenCount < running[index].maximumTokenCount,
            "a sequence stays within its maximum"
        )
        running[index].tokenCount += 1
    }

    /// Forgets a sequence and frees its blocks; nothing happens if it is unknown.
    package mutating func finish(_ id: SequenceID) {
        if let index = running.firstIndex(where: { $0.id == id }) {
            pool.free(running.remove(at: index).blockTable)
        } else if let index = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: index)
        }
    }

    /// Says that the plan was computed.
    ///
    /// Sequences finished since then are left out.
    package mutating func commit(_ plan: StepPlan) {
        for entry in plan.entries {
            guard let index = running.firstIndex(where: { $0.id == entry.id }) else { continue }
            precondition(
                running[index].computedTokenCount == entry.firstPosition,
                "a plan is committed once, before the next is made"
            )
            running[index].computedTokenCount += entry.tokenCount
        }
    }

    /// Plans the next step; empty if and only if no sequence is left.
    ///
    /// Blocks are allocated and taken back here, so the plan must be computed and committed (or
    /// its sequences finished) before the next call.
    package mutating func schedule() -> StepPlan {
        var plan = StepPlan()
        let decodingCount = running.count { $0.isDecoding }
        var promptBudget =
            decodingCount == 0
            ? limits.stepTokenCount
            : min(
                limits.stepPromptTokenCountWhileDecoding,
                limits.stepTokenCount - decodingCount
            )
        var index = 0
        while index < running.count {
            planRunning(at: index, &plan, &promptBudget)
            index += 1
        }
        admit(&plan, &promptBudget)
        return plan
    }

    private mutating func planRunning(
        at index: Int,
        _ plan: inout StepPlan,
        _ promptBudget: inout Int
    ) {
        let isDecoding = running[index].isDecoding
        let count = isDecoding ? 1 : chunkTokenCount(running[index], budget: promptBudget)
        guard count > 0 else { return }
        let needed = Self.blockCount(tokens: running[index].computedTokenCount + count)
        while needed - running[index].blockTable.count > pool.freeCount {
            // Rule 2: only younger ones, which have no entry in this plan yet.
            guard running.count - 1 > index else { return }
            preemptYoungest(&plan)
        }
        extendBlockTable(at: index, to: needed)
        if !isDecoding { promptBudget -= count }
        addEntry(at: index, tokenCount: count, to: &plan)
    }

    private mutating func admit(_ plan: inout StepPlan, _ promptBudget: inout Int) {
        guard plan.preempted.isEmpty else { return }
        while promptBudget > 0, running.count < limits.runningCount, let next = waiting.first {
            guard canAdmit(next) else { return }
            let count = chunkTokenCount(next, budget: promptBudget)
            waiting.removeFirst()
            running.append(next)
            let index = running.count - 1
            extendBlockTable(at: index, to: Self.blockCount(tokens: count))
            promptBudget -= count
            addEntry(at: index, tokenCount: count, to: &plan)
        }
    }

    /// Rule 3.
    private func canAdmit(_ sequence: SequenceProgress) -> Bool {
        if running.isEmpty { return true }
        let outstanding = running.reduce(0) {
            $0 + max(0, reservedBlockCount($1) - $1.blockTable.count)
        }
        return reservedBlockCount(sequence) <= pool.freeCount - outstanding
    }

    private func reservedBlockCount(_ sequence: SequenceProgress) -> Int {
        Self.blockCount(
            tokens: min(
                sequence.tokenCount + limits.reservedOutputTokenCount,
                sequence.maximumTokenCount
            )
        )
    }

    private func chunkTokenCount(_ sequence: SequenceProgress, budget: Int) -> Int {
        min(sequence.missingTokenCount, sequence.maximumChunkTokenCount, budget)
    }

    private mutating func extendBlockTable(at index: Int, to count: Int) {
        let missing = count - running[index].blockTable.count
        guard missing > 0 else { return }
        guard let blocks = pool.allocate(count: missing) else {
            preconditionFailure("blocks are counted before they are allocated")
        }
        running[index].blockTable += blocks
    }

    private mutating func addEntry(at index: Int, tokenCount: Int, to plan: inout StepPlan) {
        let sequence = running[index]
        plan.entries.append(
            StepPlan.Entry(
                id: sequence.id,
                firstPosition: sequence.computedTokenCount,
                tokenCount: tokenCount,
                blockTable: sequence.blockTable,
                reachesEnd: tokenCount == sequence.missingTokenCount
            )
        )
        if !sequence.hasStarted {
            plan.started.append(sequence.id)
            running[index].hasStarted = true
        }
    }

    private mutating func preemptYoungest(_ plan: inout StepPlan) {
        var victim = running.removeLast()
        pool.free(victim.blockTable)
        victim.blockTable = []
        victim.computedTokenCount = 0
        plan.preempted.append(victim.id)
        let place = waiting.firstIndex { victim.id < $0.id } ?? waiting.count
        waiting.insert(victim, at: place)
    }

    private static func blockCount(tokens: Int) -> Int {
        (tokens + KVStorage.blockTokenCount - 1) / KVStorage.blockTokenCount
    }
}

extension Scheduler {
    /// Traps unless every block in use is in exactly one block table and the order is kept.
    ///
    /// - Complexity: O(blocks + sequences).
    package func checkInvariants() {
        pool.checkInvariants()
        let tables = running.flatMap(\.blockTable)
        precondition(Set(tables).count == tables.count, "no block is in two tables")
        precondition(tables.count == pool.usedCount, "every block in use is in a table")
        for sequence in running {
            precondition(
                sequence.blockTable.count >= Self.blockCount(tokens: sequence.computedTokenCount),
                "computed tokens have blocks"
            )
            precondition(sequence.missingTokenCount >= 0, "only known tokens are computed")
            precondition(sequence.tokenCount <= sequence.maximumTokenCount, "within its maximum")
        }
        precondition(
            waiting.allSatisfy { $0.blockTable.isEmpty && $0.computedTokenCount == 0 },
            "who waits holds nothing"
        )
        for queue in [running, waiting] {
            precondition(
                zip(queue, queue.dropFirst()).allSatisfy { $0.id < $1.id },
                "queues are in order of arrival"
            )
        }
        precondition(running.count <= limits.runningCount, "no more run than allowed")
    }
}
