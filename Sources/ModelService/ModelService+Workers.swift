import Platform
import Synchronization
import Telemetry
import WorkerProtocol

// What the actor does on behalf of a slot, and what workers report back.
extension ModelService {
    func newSlot(_ entry: CatalogEntry) -> Slot {
        let limits = configuration.limits
        return Slot(
            machine: ModelSlot(
                firstPause: limits.firstLoadPause,
                maximumPause: limits.maximumLoadPause
            ),
            entry: entry,
            isPinned: entry.settings.isPinned ?? false
        )
    }

    /// Feeds one fact to the model's state machine; the action is the caller's to carry out.
    func change(
        _ id: String,
        _ event: (inout ModelSlot) -> ModelSlot.Action
    ) -> ModelSlot.Action {
        guard var slot = slots[id] else { return .none }
        let before = slot.machine.state
        let action = event(&slot.machine)
        let hasChanged = slot.machine.state != before
        if hasChanged { slot.since = wallClock() }
        slots[id] = slot
        if hasChanged { announce(.state(status(of: slot.entry, now: .now()).state), of: id) }
        return action
    }

    /// A worker that died a moment ago may not have been reported yet; a request that follows its
    /// death must not be sent to it.
    func noteDeadWorker(of id: String, now: MonotonicInstant) {
        guard let slot = slots[id], case .resident(let number, _) = slot.machine.state,
            let worker = slot.worker, !worker.isOpen
        else { return }
        _ = change(id) {
            $0.workerEnded(
                worker: number,
                reason: "the worker process \(worker.closeReason ?? "ended")",
                isWanted: false,
                now: now
            )
        }
    }

    func startWorker(_ number: Int, for id: String) {
        guard let entry = slots[id]?.entry else { return }
        let launch = launch(
            entry,
            holder: MemoryLedger.Worker(model: id, number: number),
            counters: counters
        )
        let events = events
        do {
            let worker = try WorkerProcess(launch: launch, log: log.with(("model", id))) { report in
                events.yield(.worker(model: id, number: number, report))
            }
            try worker.start()
            slots[id]?.worker = worker
            slots[id]?.workerNumber = number
            slots[id]?.facts = nil
            slots[id]?.adapters = [:]
            slots[id]?.attaching = [:]
            slots[id]?.need = nil
            slots[id]?.fraction = 0
            slots[id]?.idleSince = nil
            slots[id]?.reclaimed = nil
            slots[id]?.unloadReason = .request
            slots[id]?.loadStarted = .now()
            liveWorkerCount += 1
        } catch {
            events.yield(
                .worker(
                    model: id,
                    number: number,
                    .loadFailed(message: "cannot start a worker: \(error)")
                )
            )
        }
    }

    /// `counters` is nil for a worker that is not to load anything.
    func launch(
        _ entry: CatalogEntry,
        holder: MemoryLedger.Worker,
        counters: ModelCounters?
    ) -> WorkerProcess.Launch {
        WorkerProcess.Launch(
            executable: configuration.workerExecutable,
            arguments: configuration.workerArguments,
            environment: configuration.workerEnvironment,
            options: loadOptions(entry),
            modelPaths: entry.partPaths,
            adapters: entry.adapters,
            // A worker that loads nothing writes nothing.
            weightCache: counters == nil ? nil : weightCache,
            modelByteCount: entry.byteCount,
            turns: turns,
            computeWeight: entry.settings.computeThousandths,
            groups: configuration.workerGroups,
            ledger: ledger,
            holder: holder,
            counters: counters,
            gauge: configuration.gauge,
            limits: configuration.limits
        )
    }

    func grantedLease(_ id: String, worker number: Int) throws(ModelServiceError) -> ModelLease {
        guard let slot = slots[id], let worker = slot.worker, let facts = slot.facts else {
            preconditionFailure("a resident model has a worker and facts")
        }
        slots[id]?.idleSince = nil
        let events = events
        return ModelLease(
            model: id,
            facts: facts,
            worker: worker,
            queueTimeout: slot.entry.settings.queue.timeout ?? configuration.limits.queueTimeout,
            limits: configuration.limits
        ) {
            events.yield(.leaseEnded(model: id, worker: number))
        }
    }

    func refuseWaiting(_ id: String, _ error: ModelServiceError) {
        let waiting = slots[id]?.waiting ?? []
        slots[id]?.waiting = []
        for lease in waiting { lease.continuation.resume(returning: .failure(error)) }
    }

    // MARK: Reports

    func handle(_ event: Event) {
        switch event {
        case .worker(let id, let number, let report):
            handle(report, model: id, worker: number)
        case .leaseEnded(let id, let number):
            let isAlive = slots[id]?.worker?.isOpen ?? false
            carryOut(change(id) { $0.leaseEnded(worker: number, isAlive: isAlive) }, for: id)
            noteIdleness(of: id)
            settle()
        case .waitCancelled(let id, let ticket):
            guard let index = slots[id]?.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                return
            }
            slots[id]?.waiting.remove(at: index).continuation.resume(
                returning: .failure(.cancelled)
            )
            // If the last one who waited has left before the load began, there is no load.
            if slots[id]?.waiting.isEmpty == true {
                carryOut(change(id) { $0.abandoned() }, for: id)
            }
        case .look:
            settle()
        case .turn(let waiter):
            waiter.resume()
        }
    }

    /// Returns once this service has handled an event that came after the call, as proof that it
    /// decides; false if a worker's supervisor is stuck.
    package func turn() async -> Bool {
        await withCheckedContinuation { continuation in
            if case .terminated = events.yield(.turn(continuation)) { continuation.resume() }
        }
        let now = MonotonicInstant.now()
        return !slots.values.contains { $0.worker?.isSupervisorStuck(now: now) ?? false }
    }

    private func handle(_ report: WorkerReport, model id: String, worker number: Int) {
        let now = MonotonicInstant.now()
        switch report {
        case .sized(let footprint, let overheadByteCount):
            guard slots[id]?.machine.presentWorker == number else { return }
            slots[id]?.need = MemoryNeed(
                footprint: footprint,
                overheadByteCount: overheadByteCount
            )
            _ = change(id) {
                $0.workerSized(worker: number)
                return .none
            }
            settle()
        case .memoryReturned:
            if slots.values.contains(where: { $0.reclaimed != nil }) { settle() }
        case .loading(let fraction):
            guard slots[id]?.machine.presentWorker == number else { return }
            slots[id]?.fraction = fraction
            announce(.progress(fraction), of: id)
            for lease in slots[id]?.waiting ?? [] { lease.onLoading(fraction) }
        case .ready(let facts):
            if var slot = slots[id], slot.machine.presentWorker == number {
                slot.facts = facts
                slot.reload = slot.loadStarted.map { now.duration(since: $0) }
                slots[id] = slot
                noteAdapters(facts.adapters, of: id)
            }
            carryOut(change(id) { $0.workerReady(worker: number, now: now) }, for: id)
            noteIdleness(of: id)
            settle()
        case .loadFailed(let message):
            log.error("model cannot be loaded", ("model", id), ("reason", message))
            carryOut(
                change(id) { $0.loadFailed(worker: number, message: message, now: now) },
                for: id
            )
        case .ended(let reason, let failure):
            workerIsGone()
            if slots[id]?.workerNumber == number { slots[id]?.worker = nil }
            announce(.workerExit(reason: reason), of: id)
            if let failure { slots[id]?.lastFailure = failure }
            let isWanted = slots[id]?.waiting.isEmpty == false
            let action = change(id) {
                $0.workerEnded(worker: number, reason: reason, isWanted: isWanted, now: now)
            }
            carryOut(action, for: id)
            settle()
        }
    }

    func workerIsGone() {
        liveWorkerCount -= 1
        guard liveWorkerCount == 0 else { return }
        for waiter in shutdownWaiters { waiter.resume() }
        shutdownWaiters = []
    }

    func announce(_ kind: ModelEvent.Kind, of id: String?) {
        hub.send(ModelEvent(time: wallClock(), model: id, kind: kind))
    }

    func carryOut(_ action: ModelSlot.Action, for id: String) {
        switch action {
        case .grantWaiting(let number):
            let waiting = slots[id]?.waiting ?? []
            slots[id]?.waiting = []
            for lease in waiting {
                slots[id]?.machine.leaseGranted()
                lease.continuation.resume(
                    returning: Result { () throws(ModelServiceError) in
                        try grantedLease(id, worker: number)
                    }
                )
            }
        case .refuseWaiting(let message, let retryAfter):
            refuseWaiting(
                id,
                .loadFailed(model: id, message: message, retryAfter: retryAfter)
            )
        case .start(let number):
            startWorker(number, for: id)
        case .stop:
            slots[id]?.worker?.stop(slots[id]?.unloadReason ?? .request)
        case .none:
            break
        case .wait, .grant, .refuse:
            preconditionFailure("only a request is granted, refused, or waits")
        }
    }

    // MARK: Status

    func status(of entry: CatalogEntry, now: MonotonicInstant) -> ModelStatus {
        let slot = slots[entry.variantOf ?? entry.id]
        let state: ModelStatus.State =
            switch slot?.machine.state {
            case nil, .unloaded: .unloaded
            case .starting, .waiting: .waiting
            case .loading: .loading(fraction: slot?.fraction ?? 0)
            case .resident: slot?.worker?.isOpen == true ? .resident : .unloaded
            case .draining: .draining
            case .failed(let until, let message):
                .failed(message: message, retryAfter: until.duration(since: now))
            }
        let worker = slot?.worker?.state.withLock { ($0.status, $0.pid) }
        let status = ModelStatus(
            entry: entry,
            adapter: entry.adapter.map {
                adapterStatus(of: $0, model: entry.variantOf ?? entry.id)
            },
            state: state,
            problem: inspections[NeedKey(entry)] ?? nil,
            since: slot?.since,
            lastUsed: slot?.lastUsed,
            facts: state == .resident ? slot?.facts : nil,
            worker: worker?.0,
            pid: worker?.1,
            trouble: slot?.worker?.trouble(now: now),
            leaseCount: slot?.machine.leaseCount ?? 0,
            waitingCount: slot?.waiting.count ?? 0,
            memory: memory(of: slot, pid: worker?.1),
            isPinned: slot?.isPinned ?? entry.settings.isPinned ?? false,
            expires: expiry(of: slot, now: now),
            reload: slot?.reload,
            totals: counters.totals(of: entry.id),
            lastFailure: slot?.lastFailure?.reason,
            logTail: slot?.lastFailure?.log ?? []
        )
        return entry.variantOf == nil ? status : status.withoutWorker
    }

    private func memory(of slot: Slot?, pid: Int32?) -> ModelStatus.Memory? {
        guard let slot, let need = slot.need, let number = slot.machine.presentWorker else {
            return nil
        }
        let holder = MemoryLedger.Worker(model: slot.entry.id, number: number)
        return ModelStatus.Memory(
            need: need,
            heldByteCount: ledger.withLock { $0.heldByteCount(by: holder) },
            residentByteCount: pid.flatMap { configuration.gauge.resident($0) }
        )
    }

    /// When an idle model is unloaded, in seconds since 1970.
    private func expiry(of slot: Slot?, now: MonotonicInstant) -> Int? {
        guard let slot, let end = idleEnd(of: slot) else { return nil }
        return wallClock() + Int(end.duration(since: now).components.seconds)
    }

    func wallClock() -> Int { Timestamp.now().seconds }
}

extension ModelService {
    /// What the configuration says about the model, completed by the worker's own defaults.
    fileprivate func loadOptions(_ entry: CatalogEntry) -> WorkerLoadOptions {
        var options = WorkerLoadOptions(
            modelPath: entry.path,
            modelFileNames: entry.folderFileNames,
            modelDescriptors: entry.partPaths.indices.map {
                WorkerDescriptors.firstModelFile + Int32($0)
            },
            contextLength: entry.settings.contextLength,
            threadCount: entry.settings.threadCount,
            kvByteCount: entry.settings.kvByteCount,
            memoryByteCount: ledger.withLock { $0.capacity },
            queue: entry.settings.queue.limits,
            kvType: entry.settings.kvType ?? .f16,
            weightType: entry.settings.weightType,
            speculation: entry.settings.speculation ?? .automatic
        )
        if let count = entry.settings.maximumSequenceCount {
            options.maximumSequenceCount = count
        }
        return options
    }
}
