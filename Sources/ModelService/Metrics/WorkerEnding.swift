package import Platform

/// What one worker's life came to.
///
/// Pure; what becomes known is noted, in any order.
package struct WorkerEnding: Sendable, Hashable {
    /// How the load ended.
    package enum Load: String, Sendable, Hashable, CaseIterable {
        /// The model became resident.
        case ok
        /// The worker could not load it, or died over it.
        case failed
        /// The worker was asked to end before.
        case cancelled
    }

    private let started: MonotonicInstant
    /// How long the load took; nil if the model did not become resident.
    package private(set) var loadDuration: Duration?
    /// Why it was asked to end; nil if it was not.
    package private(set) var unloadReason: UnloadReason?
    /// Why it could not load the model, in its own words; nil if it said nothing of that kind.
    package private(set) var complaint: String?
    /// Whether the kernel killed it because its memory had ended; known only of a worker with a
    /// control group.
    package private(set) var hasRunOutOfMemory = false

    /// Of a worker that starts now.
    package init(started: MonotonicInstant) {
        self.started = started
    }

    /// The model is resident.
    package mutating func noteReady(now: MonotonicInstant) {
        loadDuration = loadDuration ?? now.duration(since: started)
    }

    /// The worker has said that it cannot load the model.
    package mutating func noteLoadFailed(_ message: String) { complaint = message }

    /// The kernel killed the worker because its memory had ended.
    package mutating func noteOutOfMemory() { hasRunOutOfMemory = true }

    /// The worker is asked to end; the first reason counts.
    package mutating func noteStop(_ reason: UnloadReason) { unloadReason = unloadReason ?? reason }

    /// How the load ended, once the worker has.
    package var load: Load {
        if loadDuration != nil { return .ok }
        return unloadReason == nil || complaint != nil ? .failed : .cancelled
    }

    /// Whether the worker could not do what it was for: what it logged says why.
    package var isFailure: Bool { isCrash || load == .failed }

    /// Whether the worker ended by itself, without a word.
    package var isCrash: Bool { unloadReason == nil && (load == .ok || complaint == nil) }
}
