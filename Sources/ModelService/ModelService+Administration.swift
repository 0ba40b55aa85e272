import Platform
import Telemetry
import WorkerProtocol

// What operators ask for.
extension ModelService {
    /// What it would take to make a model resident.
    package struct Planned: Sendable, Hashable {
        /// The model's id.
        package let model: String
        /// Whether it has its memory already; the plan then says what it was.
        package let isResident: Bool
        /// Whether it has memory with other options: then the plan is for when it has been unloaded.
        package let mustUnloadFirst: Bool
        /// What it takes.
        package let need: MemoryNeed
        /// Whether that fits, and who would go.
        package let plan: ResidencyPlan
    }

    /// The plan for a model, by the same rules as its load; changes nothing.
    ///
    /// A model whose needs are not known yet is looked at by a worker of its own, which ends
    /// afterwards.
    package func plan(
        _ name: String,
        _ options: LeaseOptions = LeaseOptions()
    ) async throws(ModelServiceError) -> Planned {
        var entry = try await servingEntry(named: name)
        guard !isShuttingDown else { throw .shuttingDown }
        if let context = options.contextLength { entry = entry.with(contextLength: context) }
        let present = slots[entry.id].flatMap { slot in
            slot.serves(entry, contextLength: options.contextLength) ? slot.need : nil
        }
        let need: MemoryNeed
        if let known = present ?? needs[NeedKey(entry)] {
            need = known
        } else {
            need = try await measure(entry)
            if needs.count >= configuration.limits.maximumCatalogEntryCount { needs = [:] }
            needs[NeedKey(entry)] = need
        }
        let others = slots.values.filter { $0.entry.id != entry.id }.compactMap { resident($0) }
        let own = slots[entry.id].flatMap { resident($0) }
        let isResident = own != nil && present != nil
        let room = room()
        return Planned(
            model: entry.id,
            isResident: isResident,
            mustUnloadFirst: own != nil && !isResident,
            need: need,
            plan: ResidencyPlanner.plan(
                byteCount: isResident ? 0 : need.byteCount,
                mayEvict: options.mayEvict,
                residents: others,
                room: MemoryRoom(
                    byteCount: room.byteCount + (isResident ? 0 : own?.byteCount ?? 0),
                    limit: room.limit
                ),
                now: .now()
            )
        )
    }

    /// Has a worker read the file's header and say what the model will take.
    func measure(_ entry: CatalogEntry) async throws(ModelServiceError) -> MemoryNeed {
        let (reports, continuation) = AsyncStream.makeStream(of: WorkerReport.self)
        let worker: WorkerProcess
        do {
            // No slot's worker has the number 0.
            worker = try WorkerProcess(
                launch: launch(
                    entry,
                    holder: MemoryLedger.Worker(model: entry.id, number: 0),
                    counters: nil
                ),
                log: log.with(("model", entry.id), ("purpose", "plan"))
            ) { continuation.yield($0) }
            try worker.start()
        } catch {
            throw .loadFailed(
                model: entry.id,
                message: "cannot start a worker: \(error)",
                retryAfter: .seconds(10)
            )
        }
        liveWorkerCount += 1
        var outcome: Result<MemoryNeed, ModelServiceError>?
        for await report in reports {
            switch report {
            case .sized(let footprint, let overheadByteCount):
                outcome = .success(
                    MemoryNeed(footprint: footprint, overheadByteCount: overheadByteCount)
                )
                worker.stop(.request)
            case .loadFailed(let message):
                outcome = .failure(
                    .loadFailed(model: entry.id, message: message, retryAfter: .seconds(10))
                )
            case .ended(let reason, _):
                outcome =
                    outcome
                    ?? .failure(
                        .loadFailed(model: entry.id, message: reason, retryAfter: .seconds(10))
                    )
                continuation.finish()
            case .loading, .ready, .memoryReturned: break
            }
        }
        workerIsGone()
        guard let outcome else { throw .cancelled }
        return try outcome.get()
    }

    /// What is wrong with models that are in memory or on their way there, by their ids.
    package func troubles() -> [String: String] {
        let now = MonotonicInstant.now()
        return slots.compactMapValues { $0.worker?.trouble(now: now) }
    }

    /// Gives the model's memory back once its present requests have ended; requests that wait for
    /// it are refused.
    package func unload(_ name: String) async throws(ModelServiceError) {
        let id = try await servingEntry(named: name).id
        guard let slot = slots[id] else { return }
        if slot.machine.isComing { refuseWaiting(id, .unloaded(model: id)) }
        log.info("model is unloaded", ("model", id))
        carryOut(change(id) { $0.unloadRequested() }, for: id)
    }

    /// Keeps the model from going for the sake of others or of the time, or no longer does.
    ///
    /// It is not loaded by this.
    package func pin(_ name: String, _ isPinned: Bool) async throws(ModelServiceError) {
        let entry = try await servingEntry(named: name)
        var slot = slots[entry.id] ?? newSlot(entry)
        slot.isPinned = isPinned
        slots[entry.id] = slot
        settle()
    }

    /// What happens from now on to models and to the service; nil if too many watch already.
    ///
    /// A watcher who falls behind loses the oldest events.
    package nonisolated func watch() -> AsyncStream<ModelEvent>? {
        hub.watch(limit: limits.maximumWatcherCount)
    }

    /// Ends everybody's watch: the service is about to stop.
    package nonisolated func endWatches() { hub.finish() }

    /// Returns when the model has no worker any more, or somebody wants it again.
    package func awaitUnloaded(_ name: String) async throws(ModelServiceError) {
        let id = try await servingEntry(named: name).id
        guard slots[id]?.machine.presentWorker != nil, let events = watch() else { return }
        for await event in events where event.model == id {
            guard case .draining = slots[id]?.machine.state else { return }
        }
    }

    /// Loads the models that are configured to be there from the start, all at the same time; what
    /// fails is logged.
    package func preload() async {
        _ = await catalog()
        preload(preloaded)
    }

    /// The names of the models that are configured to be there from the start.
    var preloaded: [String] {
        configuration.preloaded
            + knownCatalog.entries.filter {
                $0.variantOf == nil && $0.settings.isPreloaded ?? false
            }.map(\.id)
    }

    func preload(_ names: [String]) {
        for name in names {
            Task { [self] in
                do throws(ModelServiceError) {
                    _ = try await lease(name)
                } catch {
                    log.error("model cannot be preloaded", ("model", name), ("reason", "\(error)"))
                }
            }
        }
    }
}

extension ModelService.Slot {
    /// Whether the present worker is what a load of `entry` would lead to.
    fileprivate func serves(_ entry: CatalogEntry, contextLength: Int?) -> Bool {
        if case .draining = machine.state { return false }
        guard machine.presentWorker != nil, self.entry.path == entry.path,
            self.entry.byteCount == entry.byteCount,
            self.entry.modificationTime == entry.modificationTime
        else { return false }
        let own = self.entry.settings.contextLength ?? facts?.contextLength
        return contextLength == nil || contextLength == own
    }
}
