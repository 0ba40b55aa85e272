import Platform
import Synchronization
import WorkerProtocol

/// The hand-over of one request's generations from the worker's thread to the request's task.
///
/// A lock around `GenerationQueue`: the worker's thread puts events in and never waits, the task
/// takes them out and suspends while there is none. Cancelling is allowed at any time, from any
/// thread, any number of times.
final class GenerationExchange: Sendable {
    private struct State {
        var queue: GenerationQueue
        var reader: CheckedContinuation<GenerationQueue.Next, Never>?
        var lease: ModelLease?
        var ids: [UInt64] = []
        var isCancelled = false
        /// Whether anything arrived since the last tick.
        var isQuiet = true
    }

    private let state: Mutex<State>

    init(choiceCount: Int, limits: ModelServiceLimits) {
        state = Mutex(State(queue: GenerationQueue(choiceCount: choiceCount, limits: limits)))
    }

    // MARK: The side that produces

    /// The lease was granted: submits what was asked for, unless the reader has gone.
    func begin(_ submissions: [WorkerSubmission], on lease: ModelLease, waited: Duration) {
        let isWanted = state.withLock { state in
            if !state.isCancelled { state.lease = lease }
            return !state.isCancelled
        }
        guard isWanted else { return }
        put { $0.putLease(facts: lease.facts, waited: waited) }
        for (choice, submission) in submissions.enumerated() {
            let recipient = GenerationRecipient(
                exchange: self,
                choice: choice,
                priority: submission.account.priority
            )
            let id = lease.worker.submit(
                submission,
                queueTimeout: lease.queueTimeout,
                to: recipient
            )
            let isLate = state.withLock { state in
                if !state.isCancelled { state.ids.append(id) }
                return state.isCancelled
            }
            if isLate { return lease.worker.cancel(id: id) }
        }
    }

    /// The client's name of the model is known.
    func resolve(model id: String) { state.withLock { $0.queue.putModel(id) } }

    /// The model is loaded to this fraction.
    func loading(fraction: Double) { put { $0.putLoading(fraction: fraction) } }

    /// There will be no lease.
    func refuse(_ error: ModelServiceError) { put { $0.putError(error) } }

    /// How far the generations are.
    var progress: GenerationProgress { state.withLock { $0.queue.progress } }

    /// What has been measured since the last call.
    func takeTimings() -> GenerationTimings.News { state.withLock { $0.queue.timings.take() } }

    /// Takes an event; false when the reader is too far behind, and the choice has been failed.
    func deliver(_ event: GenerationEvent, choice: Int, now: MonotonicInstant) -> Bool {
        var isAccepted = true
        put { isAccepted = $0.put(event, choice: choice, now: now) }
        return isAccepted
    }

    /// Tells a waiting reader that nothing has arrived since the last tick; the first one comes in
    /// any case.
    func tick(isFirst: Bool) {
        let reader = state.withLock { state in
            defer { state.isQuiet = true }
            guard isFirst || state.isQuiet else {
                return nil as CheckedContinuation<GenerationQueue.Next, Never>?
            }
            return state.reader.take()
        }
        reader?.resume(returning: .element(.idle))
    }

    private func put(_ change: (inout GenerationQueue) -> Void) {
        let (reader, next, finishedLease) = state.withLock { state in
            change(&state.queue)
            state.isQuiet = false
            let lease = state.queue.isComplete ? state.lease.take() : nil
            guard let reader = state.reader, let next = state.queue.take() else {
                return (
                    nil as CheckedContinuation<GenerationQueue.Next, Never>?,
                    GenerationQueue.Next.end,
                    lease
                )
            }
            state.reader = nil
            return (reader, next, lease)
        }
        // The lease ends outside the lock, its end calls into the service.
        withExtendedLifetime(finishedLease) {}
        reader?.resume(returning: next)
    }

    // MARK: The side that reads

    /// The next element.
    ///
    /// One reader at a time; cancelling its task cancels the generations.
    func next() async -> GenerationQueue.Next {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let next = state.withLock { state in
                    precondition(state.reader == nil, "a stream has one reader")
                    let next = state.isCancelled ? .error(.cancelled) : state.queue.take()
                    if next == nil { state.reader = reader }
                    return next
                }
                if let next { reader.resume(returning: next) }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Ends everything: the worker stops computing, the lease ends, a reader gets `.cancelled`.
    func cancel() {
        let (lease, ids, reader) = state.withLock { state in
            state.isCancelled = true
            defer { state.ids = [] }
            return (state.lease.take(), state.ids, state.reader.take())
        }
        for id in ids { lease?.worker.cancel(id: id) }
        reader?.resume(returning: .error(.cancelled))
    }
}
