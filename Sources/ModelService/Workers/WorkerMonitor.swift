import Platform
import WorkerProtocol

/// Decides when a worker has been silent for too long.
///
/// Pure.
struct WorkerMonitor {
    /// What is expected of the worker now.
    private enum Phase { case greeting, sizing, waiting, loading, resident, stopping }

    private var phase = Phase.greeting
    private var lastHeard: MonotonicInstant
    /// Since when the engine has sequences to compute and has made no step.
    private var standsStillSince: MonotonicInstant?
    private var stepTotal = 0
    private let limits: ModelServiceLimits

    init(limits: ModelServiceLimits, now: MonotonicInstant) {
        self.limits = limits
        lastHeard = now
    }

    /// The worker said something; while it works on the file only progress counts, for its heartbeat
    /// comes from another thread.
    mutating func heard(now: MonotonicInstant) {
        switch phase {
        case .stopping, .sizing, .loading: break
        case .greeting, .waiting, .resident: lastHeard = now
        }
    }

    /// What the worker says of its engine, which may hang while its heart beats.
    mutating func heartbeat(_ status: WorkerStatus, now: MonotonicInstant) {
        if status.runningCount == 0 {
            standsStillSince = nil
        } else if status.stepTotal != stepTotal || standsStillSince == nil {
            standsStillSince = now
        }
        stepTotal = status.stepTotal
    }

    /// The worker has loaded more.
    mutating func progressed(now: MonotonicInstant) { enter(.loading, now) }

    /// The worker has greeted and begins to read the file's header.
    mutating func greeted(now: MonotonicInstant) { enter(.sizing, now) }

    /// The worker has said what it needs, and waits for it.
    mutating func sized(now: MonotonicInstant) { enter(.waiting, now) }

    /// The worker may load; a fast one may have done so before this is noted.
    mutating func memoryReserved(now: MonotonicInstant) {
        if case .waiting = phase { enter(.loading, now) }
    }

    /// The worker has loaded its model.
    mutating func becameResident(now: MonotonicInstant) { enter(.resident, now) }

    /// The worker was asked to end; what it says no longer counts.
    mutating func askedToStop(now: MonotonicInstant) { enter(.stopping, now) }

    /// When the worker's silence, or its engine's, has lasted too long.
    var deadline: MonotonicInstant {
        min(lastHeard.advanced(by: patience), engineDeadline ?? lastHeard.advanced(by: patience))
    }

    /// Whether the deadline has passed long ago and nobody has ended the worker: then nobody watches
    /// it any more.
    func isUnwatched(now: MonotonicInstant) -> Bool {
        now > deadline.advanced(by: limits.supervisionTimeout)
    }

    private var engineDeadline: MonotonicInstant? {
        guard case .resident = phase else { return nil }
        return standsStillSince?.advanced(by: limits.engineStallTimeout)
    }

    /// What is wrong although the deadline has not passed yet; nil if nothing is.
    func trouble(now: MonotonicInstant) -> String? {
        if case .stopping = phase { return nil }
        let silence = now.duration(since: lastHeard)
        let stall = standsStillSince.map { now.duration(since: $0) } ?? .zero
        if case .resident = phase, stall >= limits.engineStallTimeout / 4 {
            return "has computed nothing for \(stall.components.seconds) s although requests run"
        }
        guard silence >= patience / 3 else { return nil }
        let seconds = silence.components.seconds
        switch phase {
        case .greeting: return "has not greeted for \(seconds) s"
        case .sizing: return "has been reading its file's header for \(seconds) s"
        case .loading: return "has loaded nothing for \(seconds) s"
        case .waiting, .resident: return "has been silent for \(seconds) s"
        case .stopping: return nil
        }
    }

    /// Why it is ended after the deadline.
    func complaint(now: MonotonicInstant) -> String {
        if let engineDeadline, now >= engineDeadline {
            return "computed nothing for \(limits.engineStallTimeout) although requests ran"
        }
        switch phase {
        case .greeting: return "did not greet within \(patience)"
        case .sizing: return "did not make sense of the file's header within \(patience)"
        case .loading: return "showed no progress for \(patience) while it loaded"
        case .waiting, .resident: return "sent no heartbeat for \(patience)"
        case .stopping: return "did not stop within \(patience)"
        }
    }

    private var patience: Duration {
        switch phase {
        case .greeting: limits.greetingTimeout
        case .sizing, .loading: limits.loadSilenceTimeout
        case .waiting, .resident: limits.heartbeatTimeout
        case .stopping: limits.stopTimeout
        }
    }

    private mutating func enter(_ next: Phase, _ now: MonotonicInstant) {
        if case .stopping = phase { return }
        phase = next
        lastHeard = now
    }
}
