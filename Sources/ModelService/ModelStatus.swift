package import WorkerProtocol

/// One model's present state, for operators.
///
/// A snapshot: decide nothing by it.
package struct ModelStatus: Sendable, Hashable {
    /// Where the model is in its life.
    package enum State: Sendable, Hashable {
        case unloaded
        /// Its worker finds out what it needs, or waits for memory.
        case waiting
        /// The fraction loaded, 0...1.
        case loading(fraction: Double)
        case resident
        /// Ends once its requests have ended.
        case draining
        /// Why it cannot be loaded, and when that will be tried again at the earliest.
        case failed(message: String, retryAfter: Duration)
    }

    /// What the model takes of the machine's memory.
    package struct Memory: Sendable, Hashable {
        /// What was planned before anything was allocated.
        package var need: MemoryNeed
        /// What the ledger holds for it now: reserved, and granted for keys and values.
        package var heldByteCount: Int
        /// What its process takes now; less while memory that it may use is untouched.
        package var residentByteCount: Int?
    }

    /// A variant's status: what the worker has and does is told once, of the model itself.
    var withoutWorker: ModelStatus {
        var status = self
        status.worker = nil
        status.pid = nil
        status.leaseCount = 0
        status.waitingCount = 0
        status.memory = nil
        status.reload = nil
        status.lastFailure = nil
        status.logTail = []
        return status
    }

    /// The catalog's entry.
    package var entry: CatalogEntry
    /// Of an entry that is a model with an adapter.
    package var adapter: AdapterStatus?
    /// Where the model is in its life.
    package var state: State
    /// Why it could not be loaded, as far as that is known without trying.
    package var problem: String?
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
    /// What is wrong with the worker, although it has not been given up yet.
    package var trouble: String?
    /// Requests that use the model.
    package var leaseCount: Int
    /// Requests that wait for it to load.
    package var waitingCount: Int
    /// What it takes; nil without a worker.
    package var memory: Memory?
    /// Whether it never goes for the sake of others, or of the time.
    package var isPinned: Bool
    /// When it will be unloaded if nobody uses it, in seconds since 1970.
    package var expires: Int?
    /// How long its last load took.
    package var reload: Duration?
    /// What has happened to it since the daemon started; to a variant nothing does.
    package var totals: ModelTotals
    /// Why its last worker could not load the model, or died by itself; nil if none did.
    package var lastFailure: String?
    /// The last lines that this worker logged.
    package var logTail: [String]
}
