import ComputeTurns
import Platform
package import Telemetry
package import WorkerProtocol

/// Knows which models there are, keeps a worker process for each one in use, and hands out leases.
///
/// Every decision about one model's life is `ModelSlot`'s, and every decision about who has memory is
/// `ResidencyPolicy`'s; the actor carries them out. Workers report from their own threads into one
/// stream, so their reports are acted on in order.
package actor ModelService {
    struct Slot {
        var machine: ModelSlot
        var entry: CatalogEntry
        var worker: WorkerProcess?
        var workerNumber: Int?
        var facts: ModelFacts?
        /// What the present worker has, or has refused, by name.
        var adapters: [String: SlotAdapter] = [:]
        /// What it is taking.
        var attaching: [String: Task<Attachment, Never>] = [:]
        /// What the worker will take; known from when it waits for memory.
        var need: MemoryNeed?
        var fraction = 0.0
        var waiting: [WaitingLease] = []
        /// When the present state began and when a request last came, in seconds since 1970.
        var since: Int?
        var lastUsed: Int?
        /// Since when nobody uses the resident model.
        var idleSince: MonotonicInstant?
        /// How long it may stay so, if the last request said.
        var keepAlive: KeepAlive?
        var isPinned: Bool
        /// When the load began, and how long the last one took.
        var loadStarted: MonotonicInstant?
        var reload: Duration?
        /// When caches were asked to shrink for its sake.
        var reclaimed: MonotonicInstant?
        /// Why its last worker that failed did.
        var lastFailure: WorkerFailure?
        /// Why it leaves memory, once it has to.
        var unloadReason = UnloadReason.request
    }

    struct WaitingLease {
        let ticket: UInt64
        let key: String
        let arrival: MonotonicInstant
        let mayEvict: Bool
        let continuation: CheckedContinuation<Result<ModelLease, ModelServiceError>, Never>
        let onLoading: @Sendable (Double) -> Void
    }

    enum Event: Sendable {
        case worker(model: String, number: Int, WorkerReport)
        case leaseEnded(model: String, worker: Int)
        case waitCancelled(model: String, ticket: UInt64)
        case look
        /// Resume, as proof that events are handled.
        case turn(CheckedContinuation<Void, Never>)
    }

    /// The present configuration; `reconfigure` changes what it says about models.
    var configuration: ModelServiceConfiguration
    /// Counts the configurations, so that a scan for an older one is not believed.
    var configurationNumber = 0
    /// The bounds as they were at the start; those of residency may have changed.
    nonisolated let limits: ModelServiceLimits
    /// The directory of the control group that is divided among workers, if there is one.
    package nonisolated let workerGroupDirectory: String?
    let log: Log
    nonisolated let ledger: SharedMemoryLedger
    /// Which worker computes when; nil if the system refused the memory for it.
    nonisolated let turns: TurnTable?
    /// Where packed weights are kept for the next load; nil: nowhere.
    let weightCache: WeightCache?
    nonisolated let counters = ModelCounters()
    nonisolated let events: AsyncStream<Event>.Continuation
    nonisolated let hub = ModelEventHub()
    var slots: [String: Slot] = [:]
    var knownCatalog = Catalog()
    /// Adapters that operators have added, by the models' ids.
    var attached: [String: [AdapterSetting]] = [:]
    var lastScan: MonotonicInstant?
    /// The look at the directories that is under way.
    var scanning: Task<Void, Never>?
    var lastTicket: UInt64 = 0
    var isShuttingDown = false
    var liveWorkerCount = 0
    var shutdownWaiters: [CheckedContinuation<Void, Never>] = []
    /// What models take that were not loaded but asked about.
    var needs: [NeedKey: MemoryNeed] = [:]
    /// Why models that a worker has looked at can't be served; nil for those that can.
    var inspections: [NeedKey: String?] = [:]
    /// The look at models that is under way.
    var inspection: Task<Void, Never>?
    /// What has been given up because the machine runs out of memory.
    var pressure = MemoryPressure()
    var lastPressureLook: MonotonicInstant?
    /// The task that looks again at the next moment when something is due.
    var alarm: (time: MonotonicInstant, task: Task<Void, Never>)?

    /// A service that has not looked for models yet; `catalog()` and `lease(_:)` do.
    package init(configuration: ModelServiceConfiguration, log: Log) {
        self.configuration = configuration
        limits = configuration.limits
        workerGroupDirectory = configuration.workerGroups?.directory
        self.log = log
        ledger = SharedMemoryLedger(MemoryLedger(capacity: Self.budget(configuration)))
        weightCache = configuration.weightCache.map {
            WeightCache(directory: $0.directory, capacity: $0.capacity, log: log)
        }
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

    /// What all models together may take, in bytes: what is configured, or nine tenths of what there
    /// is for them, of which they have `held` already.
    static func budget(_ configuration: ModelServiceConfiguration, held: Int = 0) -> Int {
        let gauge = configuration.gauge
        return configuration.memoryByteCount
            ?? (gauge.available() + held - gauge.reserveByteCount) / 10 * 9
    }

    /// Who holds how much memory now.
    package nonisolated var memory: MemoryLedger { ledger.withLock { $0 } }

    // MARK: Leases

    /// How a model is wanted.
    package struct LeaseOptions: Sendable, Hashable {
        /// The API key's name: while the model is loaded, its requests and those of all keys are
        /// bounded as the worker bounds them afterwards.
        package var key: String
        /// How long the model may be idle afterwards; nil as configured.
        package var keepAlive: KeepAlive?
        /// Whether others may go for it.
        package var mayEvict: Bool
        /// Tokens of a sequence; nil as configured.
        package var contextLength: Int?

        /// Makes options.
        package init(
            key: String = "",
            keepAlive: KeepAlive? = nil,
            mayEvict: Bool = true,
            contextLength: Int? = nil
        ) {
            self.key = key
            self.keepAlive = keepAlive
            self.mayEvict = mayEvict
            self.contextLength = contextLength
        }
    }

    /// The right to use the model called `name`, once it is resident.
    ///
    /// Loads the model if it must and suspends meanwhile. Cancelling the task gives up waiting; a
    /// load that has begun goes on.
    ///
    /// - Parameters:
    ///   - name: The model's name as the client wrote it.
    ///   - options: How it is wanted.
    ///   - onLoading: Called with the fraction loaded, 0...1, while the model is waited for; must
    ///     not block.
    /// - Returns: A lease, which the caller keeps as long as it uses the model.
    /// - Throws: Why there is none.
    package func lease(
        _ name: String,
        _ options: LeaseOptions = LeaseOptions(),
        onLoading: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws(ModelServiceError) -> ModelLease {
        let entry = try await servingEntry(named: name)
        guard !isShuttingDown else { throw .shuttingDown }
        guard !pressure.refusesRequests else { throw .memoryPressure }
        let now = MonotonicInstant.now()
        noteDeadWorker(of: entry.id, now: now)
        replaceOutdatedWorker(of: entry)
        try prepareSlot(entry, options)
        try checkSize(of: entry.id, now: now)
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
        return try await waitForLease(entry.id, options, now: now, onLoading: onLoading)
    }

    /// A worker that has loaded what is no longer in the file finishes its requests and goes; the
    /// next one reads the file as it is now.
    private func replaceOutdatedWorker(of entry: CatalogEntry) {
        guard let slot = slots[entry.id], case .resident = slot.machine.state,
            slot.entry.byteCount != entry.byteCount
                || slot.entry.modificationTime != entry.modificationTime
        else { return }
        log.info("the model's file has changed", ("model", entry.id))
        slots[entry.id]?.entry = entry
        slots[entry.id]?.unloadReason = .changed
        carryOut(change(entry.id) { $0.unloadRequested() }, for: entry.id)
    }

    /// Brings the model's slot up to date with its catalog entry and with what a request wants.
    private func prepareSlot(
        _ entry: CatalogEntry,
        _ options: LeaseOptions
    ) throws(ModelServiceError) {
        var slot = slots[entry.id] ?? newSlot(entry)
        if slot.machine.presentWorker == nil {
            if slot.entry != entry { slot.machine.fileChanged() }
            slot.entry = entry
            if let context = options.contextLength {
                slot.entry = slot.entry.with(contextLength: context)
            }
        } else if let context = options.contextLength,
            context != slot.entry.settings.contextLength ?? slot.facts?.contextLength
        {
            let present = slot.facts?.contextLength ?? slot.entry.settings.contextLength
            throw .otherOptions(model: entry.id, contextLength: present ?? 0)
        }
        if let keepAlive = options.keepAlive { slot.keepAlive = keepAlive }
        slot.lastUsed = wallClock()
        slots[entry.id] = slot
    }

    /// A model that can never fit is refused before a worker is started, if that is known.
    private func checkSize(of id: String, now: MonotonicInstant) throws(ModelServiceError) {
        guard let slot = slots[id], case .unloaded = slot.machine.state,
            let need = needs[NeedKey(slot.entry)]
        else { return }
        let plan = ResidencyPlanner.plan(
            byteCount: need.byteCount,
            residents: slots.values.compactMap { resident($0) },
            room: room(),
            now: now
        )
        if plan.outcome == .neverFits { throw .insufficientMemory(model: id, plan) }
    }

    /// The events of one request's generations, from the wait for the model on.
    ///
    /// - Parameters:
    ///   - requests: One per choice; their ids are set here.
    ///   - name: The model's name as the client wrote it.
    ///   - keepAlive: How long the model may be idle afterwards; nil as configured.
    /// - Returns: The stream, at once; it throws when there is no lease.
    package nonisolated func generate(
        _ requests: [GenerationRequest],
        model name: String,
        keepAlive: KeepAlive? = nil
    ) -> GenerationStream {
        submit(requests.map { .generation($0) }, model: name, keepAlive: keepAlive)
    }

    /// The events of one embedding, from the wait for the model on.
    ///
    /// - Parameters:
    ///   - request: Its id is set here.
    ///   - name: The model's name as the client wrote it.
    ///   - keepAlive: How long the model may be idle afterwards; nil as configured.
    /// - Returns: The stream of one choice, at once; it throws when there is no lease.
    package nonisolated func embed(
        _ request: EmbeddingRequest,
        model name: String,
        keepAlive: KeepAlive? = nil
    ) -> GenerationStream {
        submit([.embedding(request)], model: name, keepAlive: keepAlive)
    }

    private nonisolated func submit(
        _ submissions: [WorkerSubmission],
        model name: String,
        keepAlive: KeepAlive?
    ) -> GenerationStream {
        let exchange = GenerationExchange(
            choiceCount: submissions.count,
            limits: limits
        )
        let started = MonotonicInstant.now()
        let key = submissions.first?.account.key ?? ""
        let options = LeaseOptions(key: key, keepAlive: keepAlive)
        let lease = Task { [self] in
            do throws(ModelServiceError) {
                let entry = try await entry(named: name)
                exchange.resolve(model: entry.id)
                let lease = try await self.lease(entry.id, options) { fraction in
                    exchange.loading(fraction: fraction)
                }
                if let adapter = entry.adapter { try await prepare(adapter, on: lease) }
                let waited = MonotonicInstant.now().duration(since: started)
                exchange.begin(
                    submissions.map { $0.adapted(by: entry.adapter?.setting.name) },
                    on: lease,
                    waited: waited
                )
            } catch {
                exchange.refuse(error)
            }
        }
        return GenerationStream(exchange, lease: lease)
    }

    private func waitForLease(
        _ id: String,
        _ options: LeaseOptions,
        now: MonotonicInstant,
        onLoading: @escaping @Sendable (Double) -> Void
    ) async throws(ModelServiceError) -> ModelLease {
        let waiting = slots[id]?.waiting ?? []
        let limits = slots[id]?.entry.settings.queue.limits ?? QueueLimits()
        guard waiting.count < limits.requestCount,
            waiting.count(where: { $0.key == options.key }) < limits.requestCountPerKey
        else { throw .overloaded(model: id, retryAfter: .seconds(5)) }
        lastTicket += 1
        let ticket = lastTicket
        onLoading(slots[id]?.fraction ?? 0)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                slots[id]?.waiting.append(
                    WaitingLease(
                        ticket: ticket,
                        key: options.key,
                        arrival: now,
                        mayEvict: options.mayEvict,
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

    /// Refuses new leases, stops every worker, and returns when all processes are gone.
    ///
    /// A worker that does not end by itself within the stop time-out is killed, so this returns
    /// soon after it.
    package func shutdown() async {
        isShuttingDown = true
        alarm?.task.cancel()
        hub.finish()
        for id in slots.keys {
            refuseWaiting(id, .shuttingDown)
            slots[id]?.worker?.stop(.shutdown)
        }
        guard liveWorkerCount > 0 else { return }
        await withCheckedContinuation { shutdownWaiters.append($0) }
    }
}
