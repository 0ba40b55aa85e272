import Synchronization

/// Who holds how much of the memory that models may use.
///
/// Pure. A worker's need is reserved before it allocates; keys and values beyond it are granted when
/// they are asked for, out of what nobody holds and no waiting model lays claim to.
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
    package private(set) var capacity: Int
    /// Bytes that waiting models lay claim to; they are not granted.
    package private(set) var claimedByteCount = 0
    private var reservations: [Worker: Int] = [:]
    private var grants: [Worker: Int] = [:]
    private var mapped: [Worker: Int] = [:]

    /// A ledger in which nobody holds anything.
    package init(capacity: Int) {
        self.capacity = max(capacity, 0)
    }

    /// Bytes of all reservations.
    package var reservedByteCount: Int { reservations.values.reduce(0, Self.sum) }

    /// What of the reservations lies in mapped files, which the system counts as available.
    package var mappedByteCount: Int { mapped.values.reduce(0, Self.sum) }

    /// Bytes of keys and values granted besides.
    package var grantedByteCount: Int { grants.values.reduce(0, +) }

    /// Bytes that workers hold: reserved or granted.
    package var heldByteCount: Int { Self.sum(reservedByteCount, grantedByteCount) }

    /// Bytes that nobody holds.
    package var freeByteCount: Int { max(0, capacity - heldByteCount) }

    /// Bytes granted to one worker that asked.
    package func grantedByteCount(to worker: Worker) -> Int { grants[worker] ?? 0 }

    /// Bytes that one worker holds: reserved or granted.
    package func heldByteCount(by worker: Worker) -> Int {
        Self.sum(reservations[worker] ?? 0, grants[worker] ?? 0)
    }

    /// Reserves what a worker is about to allocate; whether it fits was decided before.
    ///
    /// - Parameters:
    ///   - byteCount: All of it.
    ///   - returnable: What of it the worker may give back one day; it counts as granted.
    ///   - mapped: What of it lies in a mapped file.
    ///   - worker: Whose it is.
    package mutating func reserve(
        byteCount: Int,
        returnable: Int = 0,
        mapped: Int = 0,
        for worker: Worker
    ) {
        self.mapped[worker] = min(max(mapped, 0), max(byteCount, 0))
        let returnable = min(max(returnable, 0), max(byteCount, 0))
        reservations[worker] = max(byteCount, 0) - returnable
        if returnable > 0 { grants[worker, default: 0] += returnable }
    }

    /// Changes what all workers together may hold; who holds something keeps it.
    package mutating func changeCapacity(to byteCount: Int) { capacity = max(byteCount, 0) }

    /// Notes what waiting models lay claim to.
    package mutating func claim(byteCount: Int) { claimedByteCount = max(byteCount, 0) }

    /// Grants a worker as much of `byteCount` as there is, 0 if there is nothing.
    ///
    /// - Parameters:
    ///   - byteCount: The wish.
    ///   - worker: Who asks.
    ///   - limit: Bytes that there are at most for another reason.
    /// - Returns: Bytes that the worker may use besides what it holds.
    package mutating func ask(byteCount: Int, for worker: Worker, limit: Int = .max) -> Int {
        let grantable = max(0, freeByteCount - claimedByteCount)
        let granted = max(0, min(byteCount, grantable, limit))
        grants[worker, default: 0] += granted
        return granted
    }

    /// Takes back what a worker gives back, at most what was granted to it.
    package mutating func giveBack(byteCount: Int, by worker: Worker) {
        let held = grants[worker] ?? 0
        grants[worker] = held - min(max(byteCount, 0), held)
    }

    /// A worker's process is gone, and all its memory with it.
    package mutating func forget(_ worker: Worker) {
        reservations[worker] = nil
        grants[worker] = nil
        mapped[worker] = nil
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

    /// Bytes that the machine has left for models, without what it would take from their mapped files.
    func available(_ gauge: MemoryGauge) -> Int {
        gauge.available() - gauge.reserveByteCount - withLock { $0.mappedByteCount }
    }
}
