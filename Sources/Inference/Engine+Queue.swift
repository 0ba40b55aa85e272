import Platform
import Scheduling
import WorkerProtocol

// Who waits, and who does not any more.
extension Engine {
    /// How often somebody who waits is told the place.
    private static let announcementInterval = Duration.seconds(1)

    func enqueue(
        _ sequence: SequenceState,
        now: MonotonicInstant
    ) throws(GenerationFailure) -> AdmissionState {
        do throws(Scheduler.Rejection) {
            return try scheduler.submit(
                SequenceSubmission(
                    id: sequence.id,
                    tokens: sequence.tokens,
                    predictedTokens: sequence.predictedTokens,
                    maximumTokenCount: sequence.promptTokenCount
                        + sequence.maximumOutputTokenCount,
                    account: sequence.request.account,
                    queueTimeout: sequence.request.queueTimeout,
                    maximumChunkTokenCount: sequence.echoesLogprobs
                        ? Self.echoChunkTokenCount : .max,
                    usesCache: !sequence.echoesLogprobs,
                    weights: sequence.adapter?.number ?? 0
                ),
                now: now
            )
        } catch {
            throw Self.failure(error, promptTokenCount: sequence.promptTokenCount)
        }
    }

    static func failure(
        _ rejection: Scheduler.Rejection,
        promptTokenCount: Int
    ) -> GenerationFailure {
        switch rejection {
        case .overloaded(let state):
            GenerationFailure(
                kind: .overloaded(state),
                message: "Too many requests wait for this model; send it again later."
            )
        case .tooLong(let maximum):
            GenerationFailure(
                kind: .contextLengthExceeded(
                    promptTokenCount: promptTokenCount,
                    contextLength: maximum
                ),
                message: "The model's KV cache holds \(maximum) tokens; "
                    + "shorten the prompt or lower the output limit."
            )
        }
    }

    static func queueTimeout(_ state: AdmissionState) -> GenerationFailure {
        GenerationFailure(
            kind: .queueTimeout(state),
            message: "The request waited too long for its turn; send it again later."
        )
    }

    /// Tells those who wait where they stand, if that changed.
    func announcePositions(now: MonotonicInstant) {
        guard now >= nextAnnouncement else { return }
        nextAnnouncement = now.advanced(by: Self.announcementInterval)
        var position = 0
        for id in scheduler.waitingOrder(now: now) {
            if let text = texts[id] {
                guard text.index == 0, embeddings[text.request]?.hasStarted == false else {
                    continue
                }
                position += 1
                announce(position, to: text.request)
                continue
            }
            guard sequences[id]?.hasStarted == false else { continue }
            position += 1
            guard sequences[id]?.announcedPosition != position,
                let request = sequences[id]?.request
            else { continue }
            sequences[id]?.announcedPosition = position
            emit(request.id, .queued(position: position))
        }
    }

    private func announce(_ position: Int, to embedding: UInt64) {
        guard embeddings[embedding]?.announcedPosition != position else { return }
        embeddings[embedding]?.announcedPosition = position
        emit(embedding, .queued(position: position))
    }

    func startSequences(of plan: StepPlan, now: MonotonicInstant) {
        for start in plan.started {
            guard var sequence = sequences.removeValue(forKey: start.id) else {
                startText(start, now: now)
                continue
            }
            self.start(&sequence, cachedTokenCount: start.cachedTokenCount, now: now)
            sequences[start.id] = sequence
        }
    }

    /// Says that a sequence begins, and echoes its prompt if no log-probabilities belong to it.
    func start(_ sequence: inout SequenceState, cachedTokenCount: Int, now: MonotonicInstant) {
        sequence.start(now: now)
        emit(
            sequence.request.id,
            .started(
                promptTokenCount: sequence.promptTokenCount,
                cachedTokenCount: cachedTokenCount
            )
        )
        guard sequence.request.echo, !sequence.echoesLogprobs else { return }
        for token in sequence.tokens { sequence.output.echo(token, logprob: nil) }
        emitDelta(&sequence)
    }

    func dropTimedOut(of plan: StepPlan, now: MonotonicInstant) {
        for id in plan.timedOut {
            guard let sequence = sequences.removeValue(forKey: id) else {
                timeOutText(id, now: now)
                continue
            }
            sequenceIDs[sequence.request.id] = nil
            let state = scheduler.admissionState(of: sequence.request.account.key)
            emit(sequence.request.id, .failed(Self.queueTimeout(state)))
        }
    }
}
