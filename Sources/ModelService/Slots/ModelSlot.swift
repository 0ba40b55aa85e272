package import Platform

/// The life of one model: whether a worker holds it, and what a lease or an unload means now.
///
/// Pure: facts go in with their time, the action that they oblige the caller to comes out. Workers
/// have numbers that are never used twice, and facts about another worker than the present one are
/// ignored.
///
/// | event | unloaded | loading | resident | draining | failed |
/// | --- | --- | --- | --- | --- | --- |
/// | `leaseRequested` | loading, **start** | **wait** | **grant** | **wait** | before its end **refuse**, then loading, **start** |
/// | `workerReady` | – | resident, **grant waiting** | – | – | – |
/// | `loadFailed` | – | failed, **refuse waiting** | – | – | – |
/// | `workerEnded` | – | the first time unloaded, again failed; **refuse waiting** | unloaded | if a lease was requested loading, **start**; else unloaded, **refuse waiting** | – |
/// | `leaseEnded` | – | – | one lease less | the last one: **stop** | – |
/// | `unloadRequested` | – | draining, **stop** | draining; without leases **stop** | – | unloaded |
/// | `fileChanged` | – | – | – | – | unloaded |
package struct ModelSlot: Sendable, Hashable {
    /// Where the model is in its life.
    package enum State: Sendable, Hashable {
        /// No worker.
        case unloaded
        /// The worker reads the model since then.
        case loading(worker: Int, since: MonotonicInstant)
        /// The worker serves the model since then.
        case resident(worker: Int, since: MonotonicInstant)
        /// The worker ends once its leases have ended.
        case draining(worker: Int)
        /// The model cannot be loaded; nobody tries again before `until`.
        case failed(until: MonotonicInstant, message: String)
    }

    /// What the caller must do.
    package enum Action: Sendable, Hashable {
        case none
        /// Start the worker of this number; the request waits.
        case start(worker: Int)
        /// Let the request wait.
        case wait
        /// Give the request a lease on this worker.
        case grant(worker: Int)
        /// Refuse the request.
        case refuse(message: String, retryAfter: Duration)
        /// Give every waiting request a lease on this worker, counting each with `leaseGranted`.
        case grantWaiting(worker: Int)
        /// Refuse every waiting request.
        case refuseWaiting(message: String, retryAfter: Duration)
        /// Stop the worker of this number.
        case stop(worker: Int)
    }

    /// Where the model is in its life.
    package private(set) var state = State.unloaded
    /// Leases on the present worker.
    package private(set) var leaseCount = 0
    /// Loads that failed since the last one that succeeded.
    package private(set) var failureCount = 0

    private var isWantedAfterDrain = false
    private var lastWorker = 0
    private let firstPause: Duration
    private let maximumPause: Duration

    /// An unloaded model.
    ///
    /// - Parameters:
    ///   - firstPause: How long no load is tried after a failed one; doubles with each failure.
    ///   - maximumPause: The longest such time.
    package init(firstPause: Duration = .seconds(10), maximumPause: Duration = .seconds(300)) {
        self.firstPause = firstPause
        self.maximumPause = maximumPause
    }

    /// A request wants to use the model.
    package mutating func leaseRequested(now: MonotonicInstant) -> Action {
        switch state {
        case .unloaded:
            return start(now: now)
        case .loading:
            return .wait
        case .resident(let worker, _):
            leaseCount += 1
            return .grant(worker: worker)
        case .draining:
            isWantedAfterDrain = true
            return .wait
        case .failed(let until, let message):
            guard now < until else { return start(now: now) }
            return .refuse(message: message, retryAfter: until.duration(since: now))
        }
    }

    /// A waiting request got its lease.
    package mutating func leaseGranted() { leaseCount += 1 }

    /// A lease on `worker` is over.
    package mutating func leaseEnded(worker: Int) -> Action {
        guard worker == presentWorker else { return .none }
        precondition(leaseCount > 0, "a lease ends once")
        leaseCount -= 1
        if case .draining = state, leaseCount == 0 { return .stop(worker: worker) }
        return .none
    }

    /// The worker has loaded the model.
    package mutating func workerReady(worker: Int, now: MonotonicInstant) -> Action {
        guard case .loading(worker, _) = state else { return .none }
        state = .resident(worker: worker, since: now)
        failureCount = 0
        return .grantWaiting(worker: worker)
    }

    /// The worker says that it cannot load the model.
    package mutating func loadFailed(
        worker: Int,
        message: String,
        now: MonotonicInstant
    ) -> Action {
        guard case .loading(worker, _) = state else { return .none }
        return fail(message: message, now: now)
    }

    /// The worker process is gone.
    package mutating func workerEnded(
        worker: Int,
        reason: String,
        now: MonotonicInstant
    ) -> Action {
        guard worker == presentWorker else { return .none }
        switch state {
        case .loading:
            // A worker that was killed once may have been an accident; the next request tries again.
            guard failureCount == 0 else { return fail(message: reason, now: now) }
            failureCount = 1
            state = .unloaded
            return .refuseWaiting(message: reason, retryAfter: .seconds(1))
        case .draining where isWantedAfterDrain:
            leaseCount = 0
            return start(now: now)
        case .resident:
            leaseCount = 0
            state = .unloaded
            return .none
        case .draining:
            // Who waited for the load that the unload cut short.
            leaseCount = 0
            state = .unloaded
            return .refuseWaiting(message: "the model was unloaded", retryAfter: .seconds(1))
        case .unloaded, .failed:
            return .none
        }
    }

    /// An operator, or the end of the service, wants the model's memory back.
    package mutating func unloadRequested() -> Action {
        switch state {
        case .unloaded, .draining:
            return .none
        case .failed:
            state = .unloaded
            failureCount = 0
            return .none
        case .loading(let worker, _):
            state = .draining(worker: worker)
            return .stop(worker: worker)
        case .resident(let worker, _):
            state = .draining(worker: worker)
            return leaseCount == 0 ? .stop(worker: worker) : .none
        }
    }

    /// The model's file is another one now, so earlier failures say nothing about it.
    package mutating func fileChanged() {
        guard case .failed = state else { return }
        state = .unloaded
        failureCount = 0
    }

    /// The number of the worker that holds or loads the model.
    package var presentWorker: Int? {
        switch state {
        case .loading(let worker, _), .resident(let worker, _), .draining(let worker): worker
        case .unloaded, .failed: nil
        }
    }

    private mutating func start(now: MonotonicInstant) -> Action {
        isWantedAfterDrain = false
        lastWorker += 1
        state = .loading(worker: lastWorker, since: now)
        return .start(worker: lastWorker)
    }

    private mutating func fail(message: String, now: MonotonicInstant) -> Action {
        failureCount += 1
        let pause = min(firstPause * (1 << min(failureCount - 1, 16)), maximumPause)
        state = .failed(until: now.advanced(by: pause), message: message)
        return .refuseWaiting(message: message, retryAfter: pause)
    }
}
