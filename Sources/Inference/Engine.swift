package import KVCache
package import Platform
import Sampling
import Scheduling
package import Tokenizers
package import Transformers
package import WorkerProtocol

/// One event on its way to the gateway.
package struct EngineEmission: Sendable, Hashable {
    /// The generation's id.
    package let id: UInt64
    /// What happened to it.
    package let event: GenerationEvent
}

/// What a step computes: first the copies in order, then the batch.
package struct EngineStep: Sendable {
    /// Blocks whose content others need too.
    package let copies: [BlockCopy]
    /// The tokens.
    package let batch: ForwardBatch
}

/// All sequences of one model, generations or texts to embed, moved forward step by step.
///
/// A step is ``beginStep(now:)``, the forward pass over the batch it returned, and
/// ``completeStep(_:clock:)``. Submissions and cancellations come in between steps. Everything that
/// happened since is collected for ``takeEmissions()``. It neither waits nor reads a clock.
///
/// Confined to the engine thread.
package final class Engine {
    let configuration: EngineConfiguration
    let tokenizer: Tokenizer
    var scheduler: Scheduler
    var sequences: [SequenceID: SequenceState] = [:]
    var sequenceIDs: [UInt64: SequenceID] = [:]
    var embeddings: [UInt64: EmbeddingState] = [:]
    var texts: [SequenceID: EmbeddedText] = [:]
    private var arrivalCount: UInt64 = 0
    private(set) var plan: StepPlan?
    /// How many output rows each entry of the plan has.
    private var rowCounts: [Int] = []
    private var emissions: [EngineEmission] = []
    /// One for each thread of the pass.
    private var workspaces: [SamplingWorkspace] = []
    let vocabularySize: Int
    var totals = WorkerStatus()

    /// When the last step was planned.
    private(set) var lastLook = MonotonicInstant(nanoseconds: 0)
    var nextAnnouncement = MonotonicInstant(nanoseconds: 0)
    var nextSweep = MonotonicInstant(nanoseconds: 0)
    /// Whether the next sweep gives back what is only kept, and answers even with nothing.
    var othersNeedMemory = false
    /// When memory may be wished for; nil while an answer is awaited.
    var nextWish: MonotonicInstant? = MonotonicInstant(nanoseconds: 0)
    var pendingMoves: [MemoryMove] = []

    /// How many prompt tokens of a sequence get logits in one step at most: they are large.
    static let echoChunkTokenCount = 32

    /// Makes an engine without sequences.
    ///
    /// - Parameters:
    ///   - configuration: Its bounds; the blocks must hold one sequence of the context length.
    ///   - tokenizer: The model's; it may know fewer tokens than the model has logits.
    ///   - vocabularySize: V, logits of a row.
    package init(configuration: EngineConfiguration, tokenizer: Tokenizer, vocabularySize: Int) {
        self.configuration = configuration
        self.tokenizer = tokenizer
        self.vocabularySize = vocabularySize
        scheduler = Scheduler(
            pool: BlockPool(
                blockCount: configuration.blockCount,
                slabBlockCount: configuration.slabBlockCount,
                grantedSlabCount: configuration.keptSlabCount
            ),
            limits: configuration.scheduler
        )
    }

    /// Whether no sequence is left, so that a step would compute nothing.
    package var isIdle: Bool { scheduler.isIdle }

    /// The counters of the moment.
    package var status: WorkerStatus {
        var status = totals
        status.runningCount = scheduler.runningCount
        status.waitingCount = scheduler.waitingCount
        status.waitingTokenCount = scheduler.waitingTokenCount
        status.kvBlocksCached = scheduler.cachedBlockCount
        status.kvBlocksInUse = scheduler.usedBlockCount
        status.kvBlockCount = scheduler.blockCount
        return status
    }

    /// The events since the last call, in order.
    package func takeEmissions() -> [EngineEmission] {
        defer { emissions = [] }
        return emissions
    }

    // MARK: Between steps

    /// Takes a generation; `accepted` or `failed` is emitted.
    package func submit(_ generation: Generation, now: MonotonicInstant) {
        let id = generation.request.id
        precondition(plan == nil, "submissions come between steps")
        do throws(GenerationFailure) {
            let maximumOutputTokenCount = try validate(generation)
            guard sequenceIDs[id] == nil else {
                throw GenerationFailure(
                    kind: .internalFailure,
                    message: "The request's id is in use."
                )
            }
            var sequence = try SequenceState(
                generation,
                id: nextSequenceID(),
                maximumOutputTokenCount: maximumOutputTokenCount,
                tokenizer: tokenizer,
                now: now
            )
            emit(id, .accepted(try enqueue(sequence, now: now)))
            if maximumOutputTokenCount == 0, !sequence.echoesLogprobs {
                // Nothing to compute.
                start(&sequence, cachedTokenCount: 0, now: now)
                conclude(&sequence, .finished(.length), now: now)
            } else {
                sequences[sequence.id] = sequence
                sequenceIDs[id] = sequence.id
            }
        } catch {
            emit(id, .failed(error))
        }
    }

    func nextSequenceID() -> SequenceID {
        arrivalCount += 1
        return SequenceID(rawValue: arrivalCount)
    }

    /// Ends a generation or an embedding, if it is still there.
    package func cancel(_ id: UInt64, now: MonotonicInstant) {
        precondition(plan == nil, "cancellations come between steps")
        cancelEmbedding(id, now: now)
        guard let key = sequenceIDs[id], var sequence = sequences[key] else { return }
        forget(&sequence, now: now)
        emit(id, .finished(.cancelled, sequence.usage(now: now)))
    }

    // MARK: Steps

    /// Plans a step.
    ///
    /// - Returns: What to compute, or nil if there is nothing; then no completion follows.
    package func beginStep(now: MonotonicInstant) -> EngineStep? {
        precondition(plan == nil, "a step ends before the next begins")
        lastLook = now
        let plan = scheduler.schedule(now: now)
        totals.preemptionTotal += plan.preempted.count
        startSequences(of: plan, now: now)
        dropTimedOut(of: plan, now: now)
        announcePositions(now: now)
        if plan.isEmpty { return nil }
        let batch = ForwardBatch(
            entries: plan.entries.map { entry in
                ForwardBatch.Entry(
                    tokens: entry.tokens[...],
                    firstPosition: entry.firstPosition,
                    blockTable: entry.blockTable,
                    logits: selection(for: entry),
                    adapter: (sequences[entry.id]?.adapter ?? texts[entry.id]?.adapter)?.adapter,
                    part: entry.part.map {
                        ForwardBatch.Part(work: $0.work, isEnd: entry.reachesEnd)
                    }
                )
            }
        )
        rowCounts = batch.entries.map(\.logitRowCount)
        self.plan = plan
        totals.stepTotal += 1
        return EngineStep(copies: plan.copies, batch: batch)
    }

    /// The places in grammars whose masks the step that was begun will need and that aren't known.
    package var unpreparedOutputs: [ConstrainedOutput] {
        guard let plan else { return [] }
        var outputs: [ConstrainedOutput] = []
        for entry in plan.entries where entry.reachesEnd {
            guard let constraint = sequences[entry.id]?.constraint else { continue }
            let guesses = entry.tokens.suffix(entry.guessedTokenCount)
            outputs += constraint.places(behind: guesses).filter { !$0.isPrepared }
        }
        return outputs
    }

    /// Samples from the logits of the batch that was computed, and emits what follows.
    ///
    /// - Parameters:
    ///   - pass: Has computed the batch.
    ///   - clock: The time, which passes while tokens are chosen.
    package func completeStep(_ pass: some ForwardPass, clock: () -> MonotonicInstant) {
        guard let plan else { preconditionFailure("a step begins before it is completed") }
        let computed = clock()
        let rows = outputRows
        let choices = choose(plan, rows: rows, pass, now: computed)
        let now = clock()
        let duration = now.duration(since: lastLook)
        totals.busyNanosecondTotal += Int(duration.wholeNanoseconds)
        scheduler.commit(
            plan,
            chosen: choices.map { $0?.tokens ?? [] },
            duration: duration,
            now: now
        )
        self.plan = nil
        if !texts.isEmpty { completeTexts(of: plan, rows: rows, pass, now: now) }
        for choice in choices {
            guard let choice else { continue }
            count(choice)
            if let end = choice.end {
                conclude(&choice.sequence, end, now: computed)
            } else {
                emitDelta(&choice.sequence)
                scheduler.expect(choice.expected, of: choice.sequence.id)
                sequences[choice.sequence.id] = choice.sequence
            }
        }
    }

    /// Chooses tokens for all entries, on the threads of the pass if there are several; nil for a
    /// sequence that is gone.
    private func choose(
        _ plan: StepPlan,
        rows: [Range<Int>],
        _ pass: some ForwardPass,
        now: MonotonicInstant
    ) -> [TokenChoice?] {
        let choices: [TokenChoice?] = zip(plan.entries, rows).map { entry, rows in
            guard let sequence = sequences.removeValue(forKey: entry.id) else { return nil }
            // Safety: the logits are valid until the next forward pass.
            let logits = unsafe rows.map { unsafe pass.logits(row: $0) }
            return unsafe TokenChoice(sequence: sequence, entry: entry, logits: logits)
        }
        guard choices.contains(where: { $0 != nil }) else { return choices }
        while workspaces.count < pass.threadCount {
            workspaces.append(SamplingWorkspace(vocabularySize: vocabularySize))
        }
        let limits = configuration.scheduler
        let tools = workspaces.map {
            TokenChoice.Tools(
                tokenizer: tokenizer,
                workspace: $0,
                now: now,
                guessedTokenCount: limits.guessesTokens ? limits.guessedTokenCount : 0
            )
        }
        let body: @Sendable (Int, Int) -> Void = { thread, threadCount in
            for index in stride(from: thread, to: choices.count, by: threadCount) {
                choices[index]?.choose(tools[thread])
            }
        }
        if (rows.last?.upperBound ?? 0) > 1 { pass.onThreads(body) } else { body(0, 1) }
        return choices
    }

    /// Bytes of scratch memory that choosing tokens takes.
    package static func samplingByteCount(vocabularySize: Int, threadCount: Int) -> Int {
        threadCount * SamplingWorkspace.byteCount(vocabularySize: vocabularySize)
    }

    private func count(_ choice: TokenChoice) {
        let entry = choice.entry
        let knownEnd = entry.firstPosition + entry.tokens.count - entry.guessedTokenCount
        let promptEnd = min(choice.sequence.promptTokenCount, knownEnd)
        totals.promptTokenTotal += max(0, promptEnd - entry.firstPosition)
        totals.outputTokenTotal += choice.tokens.count
        totals.draftTokenTotal += entry.guessedTokenCount
        totals.acceptedDraftTokenTotal += max(0, choice.tokens.count - 1)
    }

    /// The output rows of each entry of the plan, in the batch's numbering.
    private var outputRows: [Range<Int>] {
        var end = 0
        return rowCounts.map { count in
            defer { end += count }
            return end..<end + count
        }
    }

    private func selection(for entry: StepPlan.Entry) -> ForwardBatch.LogitSelection {
        if let text = texts[entry.id] {
            // A part selects what its text does as a whole.
            return text.pool.selection(
                isStart: entry.firstPosition == 0,
                isEnd: entry.reachesEnd || entry.part != nil
            )
        }
        guard let sequence = sequences[entry.id] else {
            preconditionFailure("the scheduler plans sequences of the engine")
        }
        if sequence.hasPromptLogprobsToEcho || entry.guessedTokenCount > 0 { return .all }
        return entry.reachesEnd ? .last : .none
    }

    // MARK: Ends

    private func conclude(
        _ sequence: inout SequenceState,
        _ end: TokenChoice.End,
        now: MonotonicInstant
    ) {
        forget(&sequence, now: now)
        var isCut = true
        if case .finished(.stop) = end { isCut = false }
        sequence.output.finish(isCut: isCut)
        emitDelta(&sequence)
        switch end {
        case .finished(.stop) where sequence.output.callCount > 0:
            emit(sequence.request.id, .finished(.toolCalls, sequence.usage(now: now)))
        case .finished(let reason):
            emit(sequence.request.id, .finished(reason, sequence.usage(now: now)))
        case .failed(let failure): emit(sequence.request.id, .failed(failure))
        }
    }

    private func forget(_ sequence: inout SequenceState, now: MonotonicInstant) {
        sequence.cachedTokenCount = scheduler.cachedTokenCount(of: sequence.id)
        totals.cachedTokenTotal += sequence.cachedTokenCount
        if sequence.hasStarted, !sequence.echoesLogprobs {
            totals.lookedUpTokenTotal += sequence.promptTokenCount
        }
        scheduler.finish(sequence.id, now: now)
        sequences[sequence.id] = nil
        sequenceIDs[sequence.request.id] = nil
    }

    func emitDelta(_ sequence: inout SequenceState) {
        for delta in sequence.output.takeDeltas() { emit(sequence.request.id, delta) }
    }

    func emit(_ id: UInt64, _ event: GenerationEvent) {
        emissions.append(EngineEmission(id: id, event: event))
    }
}
