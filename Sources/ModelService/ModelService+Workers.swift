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
            entry: entry
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
        if slot.machine.state != before { slot.since = wallClock() }
        slots[id] = slot
        return action
    }

    /// A worker that died a moment ago may not have been reported yet; a request that follows its
    /// death must not be sent to it.
    func noteDeadWorker(of id: String, now: MonotonicInstant) {
        guard let slot = slots[id], case .resident(let number, _) = slot.machine.state,
            let worker = slot.worker, !worker.isOpen
        else { return }
        _ = change(id) {
            $0.workerEnded(worker: number, reason: "the worker process ended", now: now)
        }
    }

    func startWorker(_ number: Int, for id: String) {
        guard let entry = slots[id]?.entry else { return }
        let launch = WorkerProcess.Launch(
            executable: configuration.workerExecutable,
            arguments: configuration.workerArguments,
            environment: configuration.workerEnvironment,
            options: WorkerLoadOptions(entry),
            modelPaths: entry.partPaths,
            turns: turns,
            groups: configuration.workerGroups,
            memoryLimitByteCount: memory.capacity,
            ledger: ledger,
            holder: MemoryLedger.Worker(model: id, number: number),
            weightByteCount: entry.byteCount,
            limits: configuration.limits
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
            slots[id]?.fraction = 0
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

    func grantedLease(_ id: String, worker number: Int) throws(ModelServiceError) -> ModelLease {
        guard let slot = slots[id], let worker = slot.worker, let facts = slot.facts else {
            preconditionFailure("a resident model has a worker and facts")
        }
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
            let action = change(id) { $0.leaseEnded(worker: number) }
            if case .stop = action { slots[id]?.worker?.stop() }
        case .waitCancelled(let id, let ticket):
            guard let index = slots[id]?.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                return
            }
            slots[id]?.waiting.remove(at: index).continuation.resume(
                returning: .failure(.cancelled)
            )
        }
    }

    private func handle(_ report: WorkerReport, model id: String, worker number: Int) {
        let now = MonotonicInstant.now()
        switch report {
        case .loading(let fraction):
            guard slots[id]?.machine.presentWorker == number else { return }
            slots[id]?.fraction = fraction
            for lease in slots[id]?.waiting ?? [] { lease.onLoading(fraction) }
        case .ready(let facts):
            if slots[id]?.machine.presentWorker == number { slots[id]?.facts = facts }
            carryOut(change(id) { $0.workerReady(worker: number, now: now) }, for: id)
        case .loadFailed(let message):
            log.error("model cannot be loaded", ("model", id), ("reason", message))
            carryOut(
                change(id) { $0.loadFailed(worker: number, message: message, now: now) },
                for: id
            )
        case .ended(let reason):
            liveWorkerCount -= 1
            if slots[id]?.workerNumber == number { slots[id]?.worker = nil }
            carryOut(
                change(id) { $0.workerEnded(worker: number, reason: reason, now: now) },
                for: id
            )
            if liveWorkerCount == 0 {
                for waiter in shutdownWaiters { waiter.resume() }
                shutdownWaiters = []
            }
        }
    }

    private func carryOut(_ action: ModelSlot.Action, for id: String) {
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
            slots[id]?.worker?.stop()
        case .none:
            break
        case .wait, .grant, .refuse:
            preconditionFailure("only a request is granted, refused, or waits")
        }
    }

    // MARK: Status

    func status(of entry: CatalogEntry, now: MonotonicInstant) -> ModelStatus {
        let slot = slots[entry.id]
        let state: ModelStatus.State =
            switch slot?.machine.state {
            case nil, .unloaded: .unloaded
            case .loading: .loading(fraction: slot?.fraction ?? 0)
            case .resident: slot?.worker?.isOpen == true ? .resident : .unloaded
            case .draining: .draining
            case .failed(let until, let message):
                .failed(message: message, retryAfter: until.duration(since: now))
            }
        let worker = slot?.worker?.state.withLock { ($0.status, $0.pid) }
        return ModelStatus(
            entry: entry,
            state: state,
            since: slot?.since,
            lastUsed: slot?.lastUsed,
            facts: state == .resident ? slot?.facts : nil,
            worker: worker?.0,
            pid: worker?.1,
            leaseCount: slot?.machine.leaseCount ?? 0,
            waitingCount: slot?.waiting.count ?? 0
        )
    }

    func wallClock() -> Int { Timestamp.now().seconds }
}

extension WorkerLoadOptions {
    /// What the configuration says about the model, completed by the worker's own defaults.
    fileprivate init(_ entry: CatalogEntry) {
        self.init(
            modelPath: entry.path,
            modelDescriptors: entry.partPaths.indices.map {
                WorkerDescriptors.firstModelFile + Int32($0)
            },
            contextLength: entry.settings.contextLength,
            threadCount: entry.settings.threadCount,
            kvByteCount: entry.settings.kvByteCount,
            queue: entry.settings.queue.limits,
            kvType: entry.settings.kvType ?? .f16,
            speculation: entry.settings.speculation ?? .automatic
        )
        if let count = entry.settings.maximumSequenceCount { maximumSequenceCount = count }
    }
}
