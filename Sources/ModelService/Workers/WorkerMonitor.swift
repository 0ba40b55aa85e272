import Platform

/// Decides when a worker has been silent for too long.
///
/// Pure.
struct WorkerMonitor {
    /// What is expected of the worker now.
    private enum Phase { case greeting, sizing, waiting, loading, resident, stopping }

    private var phase = Phase.greeting
    private var lastHeard: MonotonicInstant
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

    /// The worker has loaded more.
    mutating func progressed(now: MonotonicInstant) { enter(.loading, now) }

    /// The worker has greeted and begins to read the file's header.
    mutating func greeted(now: MonotonicInstant) { enter(.sizing, now) }

    /// The worker has said what it needs, and waits for it.
    mutating func sized(now: MonotonicInstant) { enter(.waiting, now) }

    /// The worker may load.
    mutating func memoryReserved(now: MonotonicInstant) { enter(.loading, now) }

    /// The worker has loaded its model.
    mutating func becameResident(now: MonotonicInstant) { enter(.resident, now) }

    /// The worker was asked to end; what it says no longer counts.
    mutating func askedToStop(now: MonotonicInstant) { enter(.stopping, now) }

    /// When the worker's silence has lasted too long.
    var deadline: MonotonicInstant { lastHeard.advanced(by: patience) }

    /// Why it is ended after the deadline.
    var complaint: String {
        switch phase {
        case .greeting: "did not greet within \(patience)"
        case .sizing: "did not make sense of the file's header within \(patience)"
        case .loading: "showed no progress for \(patience) while it loaded"
        case .waiting, .resident: "sent no heartbeat for \(patience)"
        case .stopping: "did not stop within \(patience)"
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
