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

/// All sequences of one model, moved forward step by step.
///
/// A step is ``beginStep(now:)``, the forward pass over the batch it returned, and
/// ``completeStep(_:now:)``. Submissions and cancellations come in between steps. Everything that
/// happened since is collected for ``takeEmissions()``. It neither waits nor reads a clock.
///
/// Confined to the engine thread.
package final class Engine {
    let configuration: EngineConfiguration
    let tokenizer: Tokenizer
    private(set) var scheduler: Scheduler
    private var sequences: [SequenceID: SequenceState] = [:]
    private var sequenceIDs: [UInt64: SequenceID] = [:]
    private var arrivalCount: UInt64 = 0
    private var plan: StepPlan?
    private var selections: [ForwardBatch.LogitSelection] = []
    private var emissions: [EngineEmission] = []
    private let workspace: SamplingWorkspace
    let vocabularySize: Int
    private var totals = WorkerStatus()

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
            blockCount: configuration.blockCount,
            limits: configuration.scheduler
        )
        workspace = SamplingWorkspace(vocabularySize: vocabularySize)
    }

    /// Whether no sequence is left, so that a step would compute nothing.
    package var isIdle: Bool { scheduler.isIdle }

    /// The counters of the moment.
    package var status: WorkerStatus {
        var status = totals
        status.runningCount = scheduler.runningCount
        status.waitingCount = scheduler.waitingCount
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

    /// Takes a generation; `started` or `failed` is emitted.
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
            arrivalCount += 1
            var sequence = SequenceState(
                generation,
                id: SequenceID(rawValue: arrivalCount),
                maximumOutputTokenCount: maximumOutputTokenCount,
                tokenizer: tokenizer,
                now: now
            )
            try enqueue(sequence)
            emit(
                id,
                .started(promptTokenCount: sequence.promptTokenCount, cachedTokenCount: 0)
            )
            if sequence.request.echo, !sequence.echoesLogprobs {
                for token in sequence.tokens { sequence.output.echo(token, logprob: nil) }
                emitDelta(&sequence)
            }
            sequences[sequence.id] = sequence
            sequenceIDs[id] = sequence.id
            if maximumOutputTokenCount == 0, !sequence.echoesLogprobs {
                conclude(&sequence, .finished(.length), now: now)
            }
        } catch {
            emit(id, .failed(error))
        }
    }

    /// Ends a generation, if it is still there.
    package func cancel(_ id: UInt64, now: MonotonicInstant) {
        precondition(plan == nil, "cancellations come between steps")
        guard let key = sequenceIDs[id], let sequence = sequences[key] else { return }
        forget(sequence)
        emit(id, .finished(.cancelled, sequence.usage(now: now)))
    }

    private func enqueue(_ sequence: SequenceState) throws(GenerationFailure) {
        do throws(Scheduler.Rejection) {
            try scheduler.submit(
                sequence.id,
                promptTokenCount: sequence.promptTokenCount,
                maximumTokenCount: sequence.promptTokenCount + sequence.maximumOutputTokenCount,
                maximumChunkTokenCount: sequence.echoesLogprobs ? Self.echoChunkTokenCount : .max
            )
        } catch {
            switch error {
            case .overloaded:
                throw GenerationFailure(
                    kind: .overloaded(.unmeasured),
                    message: "Too many requests wait for this model; send it again later."
                )
            case .tooLong(let maximum):
                throw GenerationFailure(
                    kind: .contextLengthExceeded(
                        promptTokenCount: sequence.promptTokenCount,
                        contextLength: maximum
                    ),
                    message: "the model's KV cache holds \(maximum) tokens"
                )
            }
        }
    }

    // MARK: Steps

    /// Plans a step.
    ///
    /// - Returns: What to compute, or nil if there is nothing; then no completion follows.
    package func beginStep(now: MonotonicInstant) -> ForwardBatch? {
        precondition(plan == nil, "a step ends before the next begins")
        let plan = scheduler.schedule()
        totals.preemptionTotal += plan.preempted.count
        for id in plan.started { sequences[id]?.start(now: now) }
        if plan.isEmpty { return nil }
        var batch = ForwardBatch()
        selections = []
        for entry in plan.entries {
            guard let sequence = sequences[entry.id] else {
                preconditionFailure("the scheduler plans sequences of the engine")
            }
            let selection = selection(for: entry, of: sequence)
            selections.append(selection)
            batch.entries.append(
                ForwardBatch.Entry(
                    tokens: sequence.tokens[entry.firstPosition...].prefix(entry.tokenCount),
                    firstPosition: entry.firstPosition,
                    blockTable: entry.blockTable,
                    logits: selection
                )
            )
        }
        self.plan = plan
        totals.stepTotal += 1
        return batch
    }

    /// Samples from the logits of the batch that was computed, and emits what follows.
    package func completeStep(_ pass: some ForwardPass, now: MonotonicInstant) {
        guard let plan else { preconditionFailure("a step begins before it is completed") }
        self.plan = nil
        scheduler.commit(plan)
        var row = 0
        for (entry, selection) in zip(plan.entries, selections) {
            let rowCount: Int =
                switch selection {
                case .none: 0
                case .last: 1
                case .all: entry.tokenCount
                }
            if var sequence = sequences.removeValue(forKey: entry.id) {
                let rows = row..<row + rowCount
                let end = advance(&sequence, entry, rows: rows, of: pass, now: now)
                if let end {
                    conclude(&sequence, end, now: now)
                } else {
                    emitDelta(&sequence)
                    sequences[entry.id] = sequence
                }
            }
            row += rowCount
        }
    }

    private func selection(
        for entry: StepPlan.Entry,
        of sequence: SequenceState
    ) -> ForwardBatch.LogitSelection {
        if sequence.hasPromptLogprobsToEcho { return .all }
        return entry.reachesEnd ? .last : .none
    }

    /// How a sequence ends.
    private enum End {
        case finished(FinishReason)
        case failed(GenerationFailure)
    }

    private func advance(
        _ sequence: inout SequenceState,
        _ entry: StepPlan.Entry,
        rows: Range<Int>,
        of pass: some ForwardPass,
        now: MonotonicInstant
    ) -> End? {
        totals.promptTokenTotal += max(
            0,
            min(sequence.promptTokenCount, entry.firstPosition + entry.tokenCount)
                - entry.firstPosition
        )
        do throws(SamplingError) {
            try echoPrompt(&sequence, entry, rows: rows, of: pass)
            guard entry.reachesEnd else { return nil }
            if sequence.maximumOutputTokenCount == 0 { return .finished(.length) }
            let reason = try sampleToken(&sequence, row: rows.upperBound - 1, of: pass, now: now)
            if reason == nil { scheduler.append(to: sequence.id) }
            return reason.map { .finished($0) }
        } catch {
            switch error {
            case .nonFiniteLogits:
                return .failed(
                    GenerationFailure(
                        kind: .nonFiniteLogits,
                        message: "The model computed a value that is not a number; "
                            + "its file may be damaged."
                    )
                )
            }
        }
    }

    /// Chooses the next token; returns why the output ends with it, if it does.
    private func sampleToken(
        _ sequence: inout SequenceState,
        row: Int,
        of pass: some ForwardPass,
        now: MonotonicInstant
    ) throws(SamplingError) -> FinishReason? {
        // Safety: the row's logits are valid until the next forward pass.
        let logits = unsafe pass.logits(row: row)
        let token = unsafe try sequence.sampler.sample(
            logits,
            position: sequence.tokens.count,
            workspace: workspace
        )
        sequence.appendOutput(token, now: now)
        totals.outputTokenTotal += 1
        let endsGeneration = tokenizer.endOfGenerationTokens.contains(token)
        if endsGeneration, !sequence.request.ignoresEndOfGeneration { return .stop }
        let logprob = unsafe try logprob(of: token, in: logits, for: sequence.request)
        // Logits beyond the tokenizer's tokens exist in files with a padded vocabulary; such a
        // token counts, but has no text.
        if Int(token) < tokenizer.vocabularySize, sequence.output.append(token, logprob: logprob) {
            return .stop
        }
        return sequence.outputTokenCount >= sequence.maximumOutputTokenCount ? .length : nil
    }

    private func echoPrompt(
        _ sequence: inout SequenceState,
        _ entry: StepPlan.Entry,
        rows: Range<Int>,
        of pass: some ForwardPass
    ) throws(SamplingError) {
        guard sequence.hasPromptLogprobsToEcho else { return }
        if sequence.echoedTokenCount == 0 {
            let first = sequence.tokens[0]
            sequence.output.echo(
                first,
                logprob: TokenLogprob(
                    token: first,
                    bytes: tokenizer.bytes(of: first),
                    logprob: nil
                )
            )
            sequence.echoedTokenCount = 1
        }
        for (offset, row) in rows.enumerated() {
            // The logits of a position are about the token at the next.
            let position = entry.firstPosition + offset + 1
            guard position >= sequence.echoedTokenCount, position < sequence.promptTokenCount
            else { continue }
            let token = sequence.tokens[position]
            // Safety: the row's logits are valid until the next forward pass.
            let logprob = unsafe try logprob(
                of: token,
                in: pass.logits(row: row),
                for: sequence.request
            )
            sequence.output.echo(token, logprob: logprob)
            sequence.echoedTokenCount = position + 1
        }
    }

    private func logprob(
        of token: Int32,
        in logits: UnsafeBufferPointer<Float>,
        for request: GenerationRequest
    ) throws(SamplingError) -> TokenLogprob? {
        guard let topCount = request.topLogprobCount else { return nil }
        let values = unsafe try LogProbabilities(
            of: token,
            in: logits,
            topCount: topCount,
            workspace: workspace
        )
        return TokenLogprob(
            token: token,
            bytes: bytes(of: token),
            logprob: values.token,
            top: values.top.map {
                TokenAlternative(token: $0.token, bytes: bytes(of: $0.token), logprob: $0.logprob)
            }
        )
    }

    private func bytes(of token: Int32) -> [UInt8] {
        Int(token) < tokenizer.vocabularySize ? tokenizer.bytes(of: token) : []
    }

    // MARK: Ends

    private func conclude(_ sequence: inout SequenceState, _ end: End, now: MonotonicInstant) {
        forget(sequence)
        sequence.output.finish()
        emitDelta(&sequence)
        switch end {
        case .finished(let reason):
            emit(sequence.request.id, .finished(reason, sequence.usage(now: now)))
        case .failed(let failure): emit(sequence.request.id, .failed(failure))
        }
    }

    private func forget(_ sequence: SequenceState) {
        scheduler.finish(sequence.id)
        sequences[sequence.id] = nil
        sequenceIDs[sequence.request.id] = nil
    }

    private func emitDelta(_ sequence: inout SequenceState) {
        if let delta = sequence.output.takeDelta() { emit(sequence.request.id, delta) }
    }

    private func emit(_ id: UInt64, _ event: GenerationEvent) {
        emissions.append(EngineEmission(id: id, event: event))
    }
}
