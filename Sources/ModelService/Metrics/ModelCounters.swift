import Synchronization
import WorkerProtocol

/// What has happened to each model, as its workers' supervisors tell it.
///
/// Safe from any thread; a lock is held for a few additions, at most once a second for each worker.
final class ModelCounters: Sendable {
    private let totals = Mutex<[String: ModelTotals]>([:])

    /// Every model that a worker was started for.
    var snapshot: [String: ModelTotals] { totals.withLock { $0 } }

    /// What has happened to one model.
    func totals(of model: String) -> ModelTotals {
        totals.withLock { $0[model] ?? ModelTotals() }
    }

    /// Notes something about the model of this worker.
    func note(
        _ worker: MemoryLedger.Worker,
        _ change: (inout ModelTotals, _ number: Int) -> Void
    ) {
        totals.withLock { change(&$0[worker.model, default: ModelTotals()], worker.number) }
    }
}
