import Synchronization

/// Who holds how much of the memory that models may use.
///
/// Pure. Weights, and the keys and values of one request of full length, are counted whether they
/// fit or not, for every worker may use them; what further keys and values may take is what those
/// and earlier grants have left of the capacity.
package struct MemoryLedger: Sendable, Hashable {
    /// One worker process.
    package struct Worker: Sendable, Hashable {
        /// The model's id.
        package let model: String
        /// The number that the model's slot gave the worker.
        package let number: Int

        /// Names a worker.
        package init(model: String, number: Int) {
            self.model = model
            self.number = number
        }
    }

    /// Bytes that all workers together may hold.
    package let capacity: Int
    private var weights: [Worker: Int] = [:]
    private var kept: [Worker: Int] = [:]
    private var grants: [Worker: Int] = [:]

    /// A ledger in which nobody holds anything.
    package init(capacity: Int) {
        self.capacity = max(capacity, 0)
    }

    /// Bytes of all weights.
    package var weightByteCount: Int { weights.values.reduce(0, Self.sum) }

    /// Bytes for keys and values: granted, or a worker's without asking.
    package var grantedByteCount: Int {
        Self.sum(grants.values.reduce(0, +), kept.values.reduce(0, Self.sum))
    }

    /// Bytes that could be granted now.
    package var freeByteCount: Int {
        max(0, capacity - Self.sum(weightByteCount, grantedByteCount))
    }

    /// Bytes that the workers of one model hold: their weights, and their keys and values.
    package func byteCounts(of model: String) -> (weights: Int, keysAndValues: Int) {
        func held(_ counts: [Worker: Int]) -> Int {
            counts.filter { $0.key.model == model }.values.reduce(0, Self.sum)
        }
        return (held(weights), Self.sum(held(kept), held(grants)))
    }

    /// Bytes granted to one worker that asked.
    package func grantedByteCount(to worker: Worker) -> Int { grants[worker] ?? 0 }

    /// Notes the size of a worker's weights, in place of what was noted before.
    package mutating func setWeights(byteCount: Int, of worker: Worker) {
        weights[worker] = max(byteCount, 0)
    }

    /// Notes what a worker may use for keys and values without asking.
    package mutating func setKept(byteCount: Int, by worker: Worker) {
        kept[worker] = max(byteCount, 0)
    }

    /// Grants a worker as much of `byteCount` as there is, 0 if there is nothing.
    package mutating func ask(byteCount: Int, for worker: Worker) -> Int {
        let granted = min(max(byteCount, 0), freeByteCount)
        grants[worker, default: 0] += granted
        return granted
    }

    /// Takes back what a worker gives back, at most what it holds.
    package mutating func giveBack(byteCount: Int, by worker: Worker) {
        let held = grants[worker] ?? 0
        grants[worker] = held - min(max(byteCount, 0), held)
    }

    /// A worker's process is gone, and all its memory with it.
    package mutating func forget(_ worker: Worker) {
        weights[worker] = nil
        kept[worker] = nil
        grants[worker] = nil
    }

    /// A worker's figures are not trusted to be sane.
    private static func sum(_ first: Int, _ second: Int) -> Int {
        let (sum, overflows) = first.addingReportingOverflow(second)
        return overflows ? .max : sum
    }
}

/// The ledger that all workers of a service share.
///
/// Safe from any thread; holds a lock for a few additions per worker.
final class SharedMemoryLedger: Sendable {
    private let ledger: Mutex<MemoryLedger>

    init(_ ledger: MemoryLedger) {
        self.ledger = Mutex(ledger)
    }

    func withLock<Result>(_ body: (inout MemoryLedger) -> Result) -> Result {
        ledger.withLock { body(&$0) }
    }
}
