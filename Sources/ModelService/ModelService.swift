import ComputeTurns
import Platform
package import Telemetry
package import WorkerProtocol

/// Knows which models there are, keeps a worker process for each one in use, and hands out leases.
///
/// Every decision about a model's life is `ModelSlot`'s; the actor carries it out. Workers report
/// from their own threads into one stream, so their reports are acted on in order.
package actor ModelService {
    struct Slot {
        var machine: ModelSlot
        var entry: CatalogEntry
        var worker: WorkerProcess?
        var workerNumber: Int?
        var facts: ModelFacts?
        var fraction = 0.0
        var waiting: [WaitingLease] = []
        var since: Int?
        var lastUsed: Int?
    }

    struct WaitingLease {
        let ticket: UInt64
        let key: String
        let continuation: CheckedContinuation<Result<ModelLease, ModelServiceError>, Never>
        let onLoading: @Sendable (Double) -> Void
    }

    enum Event: Sendable {
        case worker(model: String, number: Int, WorkerReport)
        case leaseEnded(model: String, worker: Int)
        case waitCancelled(model: String, ticket: UInt64)
    }

    nonisolated let configuration: ModelServiceConfiguration
    let log: Log
    nonisolated let ledger: SharedMemoryLedger
    /// Which worker computes when; nil if the system refused the memory for it.
    nonisolated let turns: TurnTable?
    nonisolated let events: AsyncStream<Event>.Continuation
    var slots: [String: Slot] = [:]
    var knownCatalog = Catalog()
    var lastScan: MonotonicInstant?
    var lastTicket: UInt64 = 0
    var isShuttingDown = false
    var liveWorkerCount = 0
    var shutdownWaiters: [CheckedContinuation<Void, Never>] = []

    /// A service that has not looked for models yet; `catalog()` and `lease(_:)` do.
    package init(configuration: ModelServiceConfiguration, log: Log) {
        self.configuration = configuration
        self.log = log
        let available = configuration.memoryByteCount ?? Self.usableMemory()
        ledger = SharedMemoryLedger(MemoryLedger(capacity: available))
        do {
            turns = try TurnTable()
        } catch {
            turns = nil
            log.warning("models compute without turns", ("problem", error))
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        events = continuation
        // Ends when the service goes away and its continuation with it. It must not take over the
        // main thread's priority, for which the system would have to be asked in vain.
        Task(priority: .medium) { [weak self] in
            for await event in stream { await self?.handle(event) }
        }
    }

    deinit { events.finish() }

    /// Nine tenths of what the machine, or the process's control group, has left now; the rest is
    /// for the system, for this process, and for what workers need besides weights, keys and values.
    private static func usableMemory() -> Int { MemoryFacts.availableByteCount() / 10 * 9 }

    /// The directory of the control group that is divided among workers, if there is one.
    package nonisolated var workerGroupDirectory: String? { configuration.workerGroups?.directory }

    /// Who holds how much memory now.
    package nonisolated var memory: MemoryLedger { ledger.withLock { $0 } }

    // MARK: Catalog

    /// All models, from a fresh look at the directories.
    package func catalog() async -> [CatalogEntry] {
        await rescan(unlessSince: nil)
        return knownCatalog.entries
    }

    /// The model that a client's name means, looking for new files if none is known.
    package func entry(named name: String) async throws(ModelServiceError) -> CatalogEntry {
        if lastScan == nil { await rescan(unlessSince: nil) }
        if case .unknown = knownCatalog.resolve(name) {
            await rescan(unlessSince: configuration.limits.rescanInterval)
        }
        switch knownCatalog.resolve(name) {
        case .found(let entry): return entry
        case .ambiguous(let ids): throw .ambiguousModel(name: name, candidates: ids)
        case .unknown: throw .unknownModel(name: name)
        }
    }

    /// Looks at the directories again, unless that was done within `interval`.
    private func rescan(unlessSince interval: Duration?) async {
        let now = MonotonicInstant.now()
        if let interval, let lastScan, now.duration(since: lastScan) < interval { return }
        lastScan = now
        let outcome = await Self.scan(CatalogScanner(configuration))
        for warning in outcome.warnings { log.warning("model scan", ("problem", warning)) }
        knownCatalog = outcome.catalog
    }

    @concurrent
    private static func scan(_ scanner: CatalogScanner) async -> CatalogScanner.Outcome {
        scanner.scan()
    }

    // MARK: Leases

    /// The right to use the model called `name`, once it is resident.
    ///
    /// Loads the model if it must and suspends meanwhile. Cancelling the task gives up waiting;
    /// the load goes on.
    ///
    /// - Parameters:
    ///   - name: The model's name as the client wrote it.
    ///   - key: The API key's name: while the model is loaded, its requests and those of all keys are
    ///     bounded as the worker bounds them afterwards.
    ///   - onLoading: Called with the fraction loaded, 0...1, while the model is waited for; must
    ///     not block.
    /// - Returns: A lease, which the caller keeps as long as it uses the model.
    /// - Throws: Why there is none.
    package func lease(
        _ name: String,
        key: String = "",
        onLoading: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws(ModelServiceError) -> ModelLease {
        let entry = try await entry(named: name)
        guard !isShuttingDown else { throw .shuttingDown }
        let now = MonotonicInstant.now()
        var slot = slots[entry.id] ?? newSlot(entry)
        if slot.entry != entry {
            slot.entry = entry
            slot.machine.fileChanged()
        }
        slot.lastUsed = wallClock()
        slots[entry.id] = slot
        noteDeadWorker(of: entry.id, now: now)
        switch change(entry.id, { $0.leaseRequested(now: now) }) {
        case .grant(let worker):
            return try grantedLease(entry.id, worker: worker)
        case .refuse(let message, let retryAfter):
            throw .loadFailed(model: entry.id, message: message, retryAfter: retryAfter)
        case .start(let number):
            startWorker(number, for: entry.id)
        case .wait:
            break
        case .none, .grantWaiting, .refuseWaiting, .stop:
            preconditionFailure("a request is granted, refused, or waits")
        }
        return try await waitForLease(entry.id, key: key, onLoading: onLoading)
    }

    /// The events of one request's generations, from the wait for the model on.
    ///
    /// - Parameters:
    ///   - requests: One per choice; their ids are set here.
    ///   - name: The model's name as the client wrote it.
    /// - Returns: The stream, at once; it throws when there is no lease.
    package nonisolated func generate(
        _ requests: [GenerationRequest],
        model name: String
    ) -> GenerationStream {
        let exchange = GenerationExchange(
            choiceCount: requests.count,
            limits: configuration.limits
        )
        let started = MonotonicInstant.now()
        let key = requests.first?.account.key ?? ""
        let lease = Task { [self] in
            do throws(ModelServiceError) {
                let lease = try await self.lease(name, key: key) { fraction in
                    exchange.loading(fraction: fraction)
                }
                let waited = MonotonicInstant.now().duration(since: started)
                exchange.begin(requests, on: lease, waited: waited)
            } catch {
                exchange.refuse(error)
            }
        }
        return GenerationStream(exchange, lease: lease)
    }

    private func waitForLease(
        _ id: String,
        key: String,
        onLoading: @escaping @Sendable (Double) -> Void
    ) async throws(ModelServiceError) -> ModelLease {
        let waiting = slots[id]?.waiting ?? []
        let limits = slots[id]?.entry.settings.queue.limits ?? QueueLimits()
        guard waiting.count < limits.requestCount,
            waiting.count(where: { $0.key == key }) < limits.requestCountPerKey
        else { throw .overloaded(model: id, retryAfter: .seconds(5)) }
        lastTicket += 1
        let ticket = lastTicket
        onLoading(slots[id]?.fraction ?? 0)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                slots[id]?.waiting.append(
                    WaitingLease(
                        ticket: ticket,
                        key: key,
                        continuation: continuation,
                        onLoading: onLoading
                    )
                )
            }
        } onCancel: {
            events.yield(.waitCancelled(model: id, ticket: ticket))
        }
        return try result.get()
    }

    // MARK: Status and end

    /// Every model of the catalog with its present state, in the order of their ids.
    package func status() async -> [ModelStatus] {
        await rescan(unlessSince: configuration.limits.rescanInterval)
        let now = MonotonicInstant.now()
        return knownCatalog.entries.map { status(of: $0, now: now) }
    }

    /// One model's present state.
    package func status(named name: String) async throws(ModelServiceError) -> ModelStatus {
        status(of: try await entry(named: name), now: .now())
    }

    /// Gives the model's memory back once its present requests have ended.
    package func unload(_ name: String) async throws(ModelServiceError) {
        let id = try await entry(named: name).id
        guard slots[id] != nil else { return }
        if case .stop = change(id, { $0.unloadRequested() }) { slots[id]?.worker?.stop() }
    }

    /// Refuses new leases, stops every worker, and returns when all processes are gone.
    ///
    /// A worker that does not end by itself within the stop time-out is killed, so this returns
    /// soon after it.
    package func shutdown() async {
        isShuttingDown = true
        for id in slots.keys {
            refuseWaiting(id, .shuttingDown)
            slots[id]?.worker?.stop()
        }
        guard liveWorkerCount > 0 else { return }
        await withCheckedContinuation { shutdownWaiters.append($0) }
    }
}
