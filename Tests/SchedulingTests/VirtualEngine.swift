import KVCache
import Platform
import Scheduling
import Testing
import WorkerProtocol

/// An engine without a model, in virtual time: it computes a scheduler's plans by writing down which
/// tokens each block holds, and checks what a plan relies on.
struct VirtualEngine {
    var scheduler: Scheduler
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// Tokens by block and place; -1 where nothing was computed.
    private var contents: [Int32: [Int32]] = [:]
    /// What a sequence knows.
    private(set) var tokens: [SequenceID: [Int32]] = [:]
    private var promptTokenCounts: [SequenceID: Int] = [:]
    private var maximumTokenCounts: [SequenceID: Int] = [:]
    /// Prompt tokens computed, over all times.
    private(set) var computedPromptCounts: [SequenceID: Int] = [:]
    /// Prompt tokens taken from the cache, of sequences that ended.
    private(set) var cachedCounts: [SequenceID: Int] = [:]
    private(set) var starts: [SequenceID: (MonotonicInstant, cachedTokenCount: Int)] = [:]
    private(set) var firstTokens: [SequenceID: MonotonicInstant] = [:]
    private(set) var preempted: Set<SequenceID> = []
    private(set) var stepCount = 0
    private var arrivalCount: UInt64 = 0
    private var endRowCounts: [SequenceID: Int] = [:]
    private var workDone: [SequenceID: Int] = [:]

    /// Seconds of a step: what the scheduler has to find out.
    var base = 2e-3
    var perToken = 0.3e-3
    var perKey = 5e-8
    var perLogitRow = 0.1e-3

    init(_ scheduler: Scheduler) {
        self.scheduler = scheduler
    }

    init(blockCount: Int, limits: SchedulerLimits = SchedulerLimits()) {
        self.init(Scheduler(pool: BlockPool(blockCount: blockCount), limits: limits))
    }

    /// Submits a sequence; returns its id.
    @discardableResult
    mutating func submit(
        _ prompt: [Int32],
        outputTokenCount: Int = 1,
        account: GenerationAccount = GenerationAccount(),
        queueTimeout: Duration? = nil,
        maximumChunkTokenCount: Int = .max,
        usesCache: Bool = true,
        isWhole: Bool = false,
        endRowCount: Int = 1,
        isMember: Bool = false
    ) throws -> SequenceID {
        arrivalCount += 1
        let id = SequenceID(rawValue: arrivalCount)
        _ = try scheduler.submit(
            SequenceSubmission(
                id: id,
                tokens: prompt,
                maximumTokenCount: prompt.count + outputTokenCount,
                account: account,
                queueTimeout: queueTimeout,
                maximumChunkTokenCount: maximumChunkTokenCount,
                usesCache: usesCache,
                isWhole: isWhole,
                endRowCount: endRowCount,
                isMember: isMember
            ),
            now: now
        )
        endRowCounts[id] = endRowCount
        tokens[id] = prompt
        promptTokenCounts[id] = prompt.count
        maximumTokenCounts[id] = prompt.count + outputTokenCount
        return id
    }

    mutating func finish(_ id: SequenceID) {
        cachedCounts[id] = scheduler.cachedTokenCount(of: id)
        scheduler.finish(id, now: now)
        tokens[id] = nil
    }

    /// Computes a step.
    ///
    /// `next` chooses the token that follows a sequence's. It ends with nil, or at its maximum.
    @discardableResult
    mutating func step(next: (SequenceID, [Int32]) -> Int32?) -> StepPlan {
        let plan = scheduler.schedule(now: now)
        preempted.formUnion(plan.preempted)
        for start in plan.started { starts[start.id] = (now, start.cachedTokenCount) }
        for id in plan.timedOut { tokens[id] = nil }
        for copy in plan.copies { contents[copy.destination] = contents[copy.source] }
        for entry in plan.entries { compute(entry) }
        stepCount += plan.isEmpty ? 0 : 1
        let size = plan.size
        let seconds =
            base + perToken * Double(size.tokenCount) + perKey * Double(size.keyCount)
            + perLogitRow * Double(size.logitRowCount)
        let duration = Duration.nanoseconds(Int64(seconds * 1e9))
        now = now.advanced(by: duration)
        var ended: [SequenceID] = []
        let chosen = plan.entries.map { entry in choose(entry, &ended, next) }
        scheduler.commit(plan, chosen: chosen, duration: duration, now: now)
        for id in ended { finish(id) }
        return plan
    }

    private mutating func compute(_ entry: StepPlan.Entry) {
        guard let known = tokens[entry.id] else {
            Issue.record("a plan names an unknown sequence")
            return
        }
        if let part = entry.part { return compute(part, of: entry, known) }
        let end = entry.firstPosition + entry.tokens.count
        #expect(entry.blockTable.count >= (end + 31) / 32)
        let before = (0..<entry.firstPosition).map { position in
            contents[entry.blockTable[position / 32]]?[position % 32] ?? -1
        }
        #expect(before[...] == known.prefix(entry.firstPosition), "blocks hold what was before")
        let knownCount = entry.tokens.count - entry.guessedTokenCount
        #expect(
            entry.tokens.prefix(knownCount) == known[entry.firstPosition...].prefix(knownCount),
            "known tokens are computed"
        )
        #expect(entry.reachesEnd == (entry.firstPosition + knownCount == known.count))
        for (offset, token) in entry.tokens.enumerated() {
            let position = entry.firstPosition + offset
            let block = entry.blockTable[position / 32]
            contents[block, default: Array(repeating: -1, count: 32)][position % 32] = token
        }
        let promptEnd = min(entry.firstPosition + knownCount, promptTokenCounts[entry.id] ?? 0)
        computedPromptCounts[entry.id, default: 0] += max(0, promptEnd - entry.firstPosition)
    }

    /// The first round of a sequence's parts writes its blocks, the others find them as they were.
    private mutating func compute(
        _ part: StepPlan.Part,
        of entry: StepPlan.Entry,
        _ known: [Int32]
    ) {
        let count = known.count
        #expect(entry.tokens == known && entry.blockTable.count >= (count + 31) / 32)
        let done = part.work.lowerBound == 0 ? 0 : workDone[entry.id]
        #expect(part.work.lowerBound == done && !part.work.isEmpty, "nothing is left out")
        workDone[entry.id] = part.work.upperBound
        let workCount = scheduler.limits.layerCount * count + (endRowCounts[entry.id] ?? 1)
        #expect(entry.reachesEnd == (part.work.upperBound == workCount))
        for position in 0..<count {
            let block = entry.blockTable[position / 32]
            if part.work.contains(position) {
                contents[block, default: Array(repeating: -1, count: 32)][position % 32] =
                    known[position]
            } else if position < part.work.lowerBound {
                #expect(contents[block]?[position % 32] == known[position], "blocks were kept")
            }
        }
    }

    private mutating func choose(
        _ entry: StepPlan.Entry,
        _ ended: inout [SequenceID],
        _ next: (SequenceID, [Int32]) -> Int32?
    ) -> [Int32] {
        guard entry.reachesEnd else { return [] }
        firstTokens[entry.id] = firstTokens[entry.id] ?? now
        var chosen: [Int32] = []
        for place in 0...entry.guessedTokenCount {
            guard let token = next(entry.id, tokens[entry.id] ?? []) else {
                ended.append(entry.id)
                break
            }
            tokens[entry.id]?.append(token)
            chosen.append(token)
            if tokens[entry.id]?.count == maximumTokenCounts[entry.id] {
                ended.append(entry.id)
                break
            }
            let guess = entry.tokens.count - entry.guessedTokenCount + place
            guard place < entry.guessedTokenCount, entry.tokens[guess] == token else { break }
        }
        return chosen
    }
}
