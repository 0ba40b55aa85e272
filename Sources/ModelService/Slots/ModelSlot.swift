package import Platform

/// The life of one model: whether a worker holds it, and what a lease or an unload means now.
///
/// Pure: facts go in with their time, the action that they oblige the caller to comes out. Workers
/// have numbers that are never used twice, and facts about another worker than the present one are
/// ignored. *Waiting* is a worker that has said what it needs and waits for the memory.
///
/// | event | unloaded | starting | waiting | loading | resident | draining | failed |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | `leaseRequested` | starting, **start** | **wait** | **wait** | **wait** | **grant** | **wait** | before its end **refuse**, then starting, **start** |
/// | `workerSized` | – | waiting | – | – | – | – | – |
/// | `memoryReserved` | – | – | loading | – | – | – | – |
/// | `abandoned` | – | draining, **stop** | draining, **stop** | – | – | – | – |
/// | `workerReady` | – | – | – | resident, **grant waiting** | – | – | – |
/// | `loadFailed` | – | failed, **refuse waiting** | the same | the same | – | – | – |
/// | `workerEnded` | – | the first time unloaded, again failed; **refuse waiting** | the same | the same | unloaded; repeatedly soon after loading: failed | if somebody waits starting, **start**; else unloaded | – |
/// | `leaseEnded` | – | – | – | – | one lease less | the last one: **stop** | – |
/// | `unloadRequested` | – | draining, **stop** | draining, **stop** | draining, **stop** | draining; without leases **stop** | – | unloaded |
/// | `fileChanged` | – | – | – | – | – | – | unloaded |
package struct ModelSlot: Sendable, Hashable {
    /// Where the model is in its life.
    package enum State: Sendable, Hashable {
        /// No worker.
        case unloaded
        /// The worker finds out what the model needs.
        case starting(worker: Int)
        /// The worker waits for memory.
        case waiting(worker: Int)
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
    /// Workers that died soon after they had loaded, since the last one that was of use.
    package private(set) var crashCount = 0

    private var lastWorker = 0
    private let firstPause: Duration
    private let maximumPause: Duration

    /// A worker that lived so long and then died has not died of being started.
    private static let steadyResidence = Duration.seconds(60)

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
            return start()
        case .starting, .waiting, .loading, .draining:
            return .wait
        case .resident(let worker, _):
            leaseCount += 1
            return .grant(worker: worker)
        case .failed(let until, let message):
            guard now < until else { return start() }
            return .refuse(message: message, retryAfter: until.duration(since: now))
        }
    }

    /// A waiting request got its lease.
    package mutating func leaseGranted() { leaseCount += 1 }

    /// A lease on `worker` is over; `isAlive` says whether the worker was still there at its end.
    package mutating func leaseEnded(worker: Int, isAlive: Bool) -> Action {
        guard worker == presentWorker else { return .none }
        precondition(leaseCount > 0, "a lease ends once")
        leaseCount -= 1
        if isAlive { crashCount = 0 }
        if case .draining = state, leaseCount == 0 { return .stop(worker: worker) }
        return .none
    }

    /// The worker has said what the model needs.
    package mutating func workerSized(worker: Int) {
        guard case .starting(worker) = state else { return }
        state = .waiting(worker: worker)
    }

    /// The memory is the model's.
    package mutating func memoryReserved(now: MonotonicInstant) {
        guard case .waiting(let worker) = state else { return }
        state = .loading(worker: worker, since: now)
    }

    /// Nobody wants the model any more, or it does not fit; a load that has begun goes on.
    package mutating func abandoned() -> Action {
        switch state {
        case .starting(let worker), .waiting(let worker):
            state = .draining(worker: worker)
            return .stop(worker: worker)
        case .unloaded, .loading, .resident, .draining, .failed:
            return .none
        }
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
        guard worker == presentWorker, isComing else { return .none }
        return fail(message: message, now: now)
    }

    /// The worker process is gone; `isWanted` says whether requests wait for the model.
    package mutating func workerEnded(
        worker: Int,
        reason: String,
        isWanted: Bool,
        now: MonotonicInstant
    ) -> Action {
        guard worker == presentWorker else { return .none }
        leaseCount = 0
        switch state {
        case .starting, .waiting, .loading:
            // A worker that was killed once may have been an accident; the next request tries again.
            guard failureCount == 0 else { return fail(message: reason, now: now) }
            failureCount = 1
            state = .unloaded
            return .refuseWaiting(message: reason, retryAfter: .seconds(1))
        case .resident(_, let since):
            return crashed(residence: now.duration(since: since), reason: reason, now: now)
        case .draining:
            state = .unloaded
            return isWanted ? start() : .none
        case .unloaded, .failed:
            return .none
        }
    }

    /// An operator, the planner or the end of the service wants the model's memory back.
    package mutating func unloadRequested() -> Action {
        switch state {
        case .unloaded, .draining:
            return .none
        case .failed:
            state = .unloaded
            failureCount = 0
            crashCount = 0
            return .none
        case .starting(let worker), .waiting(let worker), .loading(let worker, _):
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
        crashCount = 0
    }

    /// The number of the worker that holds or loads the model.
    package var presentWorker: Int? {
        switch state {
        case .starting(let worker), .waiting(let worker), .loading(let worker, _),
            .resident(let worker, _), .draining(let worker):
            worker
        case .unloaded, .failed: nil
        }
    }

    /// Whether a worker is on its way to being resident.
    package var isComing: Bool {
        switch state {
        case .starting, .waiting, .loading: true
        case .unloaded, .resident, .draining, .failed: false
        }
    }

    private mutating func start() -> Action {
        lastWorker += 1
        state = .starting(worker: lastWorker)
        return .start(worker: lastWorker)
    }

    /// Two deaths after a short and useless life may have been accidents, the next request starts a
    /// new worker at once; further ones are a loop, which is slowed down.
    private mutating func crashed(
        residence: Duration,
        reason: String,
        now: MonotonicInstant
    ) -> Action {
        guard residence < Self.steadyResidence else {
            crashCount = 0
            state = .unloaded
            return .none
        }
        crashCount += 1
        guard crashCount > Self.toleratedCrashCount else {
            state = .unloaded
            return .none
        }
        _ = pause(
            message: "\(reason), \(crashCount) times soon after it was loaded",
            count: crashCount - Self.toleratedCrashCount,
            now: now
        )
        return .none
    }

    private static let toleratedCrashCount = 2

    private mutating func fail(message: String, now: MonotonicInstant) -> Action {
        failureCount += 1
        let pause = pause(message: message, count: failureCount, now: now)
        return .refuseWaiting(message: message, retryAfter: pause)
    }

    /// No load is tried for a while, for longer the more often it has failed.
    private mutating func pause(message: String, count: Int, now: MonotonicInstant) -> Duration {
        let pause = min(firstPause * (1 << min(max(count, 1) - 1, 16)), maximumPause)
        state = .failed(until: now.advanced(by: pause), message: message)
        return pause
    }
}
