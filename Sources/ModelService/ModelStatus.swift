package import WorkerProtocol

/// One model's present state, for operators.
///
/// A snapshot: decide nothing by it.
package struct ModelStatus: Sendable, Hashable {
    /// Where the model is in its life.
    package enum State: Sendable, Hashable {
        case unloaded
        /// The fraction loaded, 0...1.
        case loading(fraction: Double)
        case resident
        /// Ends once its requests have ended.
        case draining
        /// Why it cannot be loaded, and when that will be tried again at the earliest.
        case failed(message: String, retryAfter: Duration)
    }

    /// The catalog's entry.
    package var entry: CatalogEntry
    /// Where the model is in its life.
    package var state: State
    /// When it entered that state, in seconds since 1970; nil if it was never used.
    package var since: Int?
    /// When a request last asked for it, in seconds since 1970.
    package var lastUsed: Int?
    /// What the worker knows about the model, while it is resident.
    package var facts: ModelFacts?
    /// The worker's counters as of its last heartbeat.
    package var worker: WorkerStatus?
    /// The worker's process number.
    package var pid: Int32?
    /// Requests that use the model.
    package var leaseCount: Int
    /// Requests that wait for it to load.
    package var waitingCount: Int
}
