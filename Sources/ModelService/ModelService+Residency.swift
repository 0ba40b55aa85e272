import Platform
import Synchronization
import Telemetry
import WorkerProtocol

// Who has memory: carrying out what `ResidencyPolicy` decides, and the end of idle models.
extension ModelService {
    /// What a plan that was made before is for.
    struct NeedKey: Hashable {
        let path: String
        let byteCount: Int
        let modificationTime: Int
        let settings: ModelConfigurationEntry
        let adapters: [AdapterEntry]

        init(_ entry: CatalogEntry) {
            path = entry.path
            byteCount = entry.byteCount
            modificationTime = entry.modificationTime
            settings = entry.settings
            adapters = entry.adapters
        }
    }

    /// Looks at who waits for memory and who has been idle for too long, acts, and sets the alarm
    /// for the next time when something is due.
    func settle() {
        guard !isShuttingDown else { return }
        let now = MonotonicInstant.now()
        unloadExpired(now: now)
        keepToBudget(now: now)
        relievePressure(now: now)
        var dates = slots.values.compactMap { idleEnd(of: $0) }
        let wishes = slots.values.compactMap { waiting($0) }
        if wishes.isEmpty {
            ledger.withLock { $0.claim(byteCount: 0) }
        } else {
            let decision = configuration.limits.residency.decide(
                waiting: wishes,
                residents: slots.values.compactMap { resident($0) },
                room: room(),
                now: now
            )
            ledger.withLock { $0.claim(byteCount: decision.claimedByteCount) }
            for action in decision.actions { carryOut(action, now: now) }
            if let look = decision.nextLook { dates.append(look) }
        }
        // As long as models are in memory, somebody else may need it.
        if liveWorkerCount > 0 { dates.append(now.advanced(by: Self.pressureInterval)) }
        setAlarm(at: dates.min())
    }

    private static let pressureInterval = Duration.seconds(1)

    /// Gives up something if the machine runs out of memory.
    private func relievePressure(now: MonotonicInstant) {
        // Every request that ends leads here; the figures are files of the kernel's.
        if let last = lastPressureLook, now.duration(since: last) < Self.pressureInterval / 2 {
            return
        }
        lastPressureLook = now
        let gauge = configuration.gauge
        let reading = MemoryPressure.Reading(
            available: gauge.available(),
            reserve: gauge.reserveByteCount,
            stall: gauge.stall(),
            refaultedByteCount: gauge.refaulted()
        )
        let idle = slots.values.compactMap { resident($0) }.filter { resident in
            if case .idle = resident.activity { !resident.isPinned } else { false }
        }
        guard let step = pressure.look(reading, canEvict: !idle.isEmpty, now: now) else { return }
        log.warning(
            "the machine runs out of memory",
            ("available", reading.available),
            ("stall", reading.stall),
            ("step", "\(step)")
        )
        switch step {
        case .shrinkCaches: reclaimMemory()
        case .evictIdleModel:
            let cheapest = idle.min { $0.expectedCost(now: now) < $1.expectedCost(now: now) }
            if let cheapest {
                evict(cheapest.model, .pressure, reason: "the machine runs out of memory")
            }
        case .refuseRequests: break
        case .cancelLowestClass: cancelLowestClass()
        }
    }

    /// Ends the youngest of the running requests of the lowest class.
    private func cancelLowestClass() {
        let victims = slots.values.compactMap { slot in
            slot.worker?.lowestGeneration.map { (worker: slot.worker, generation: $0) }
        }
        guard let victim = victims.max(by: { $0.generation.priority < $1.generation.priority })
        else { return }
        victim.worker?.sacrifice(id: victim.generation.id)
    }

    private func evict(_ id: String, _ kind: UnloadReason, reason: String) {
        log.info("model has to go", ("model", id), ("reason", reason))
        slots[id]?.unloadReason = kind
        announce(.eviction(reason: reason), of: id)
        carryOut(change(id) { $0.unloadRequested() }, for: id)
    }

    /// Idle models go while all together hold more than the budget, which may have become smaller.
    private func keepToBudget(now: MonotonicInstant) {
        let (capacity, held) = ledger.withLock { ($0.capacity, $0.heldByteCount) }
        guard held > capacity else { return }
        let plan = ResidencyPlanner.plan(
            byteCount: 0,
            residents: slots.values.compactMap { resident($0) },
            room: MemoryRoom(byteCount: capacity - held, limit: .budget),
            now: now
        )
        // Busy ones are looked at again when their requests have ended.
        guard plan.outcome == .evict else { return }
        for victim in plan.victims {
            evict(victim.model, .changed, reason: "the memory budget has become smaller")
        }
    }

    func reclaimMemory() {
        for slot in slots.values where slot.machine.presentWorker != nil {
            slot.worker?.reclaimMemory()
        }
    }

    private func carryOut(_ action: ResidencyPolicy.Action, now: MonotonicInstant) {
        switch action {
        case .load(let id):
            guard let slot = slots[id], let number = slot.workerNumber, let need = slot.need else {
                return
            }
            let holder = MemoryLedger.Worker(model: id, number: number)
            ledger.withLock { ledger in
                ledger.reserve(
                    byteCount: need.byteCount,
                    returnable: need.footprint.adapterByteCount,
                    mapped: need.footprint.mappedByteCount,
                    for: holder
                )
            }
            _ = change(id) {
                $0.memoryReserved(now: now)
                return .none
            }
            needs[NeedKey(slot.entry)] = need
            slot.worker?.load()
        case .drain(let id, let other):
            evict(id, .evicted, reason: "\(other) needs its memory")
        case .reclaim(let id):
            slots[id]?.reclaimed = now
            reclaimMemory()
        case .refuse(let id, let plan):
            if let slot = slots[id], let need = slot.need { needs[NeedKey(slot.entry)] = need }
            refuseWaiting(id, .insufficientMemory(model: id, plan))
            carryOut(change(id) { $0.abandoned() }, for: id)
        }
    }

    // MARK: What the policy sees

    private func waiting(_ slot: Slot) -> ResidencyPolicy.Waiting? {
        guard case .waiting = slot.machine.state, let need = slot.need,
            let oldest = slot.waiting.map(\.arrival).min()
        else { return nil }
        return ResidencyPolicy.Waiting(
            model: slot.entry.id,
            byteCount: need.byteCount,
            since: oldest,
            mayEvict: slot.waiting.contains { $0.mayEvict },
            reclaimed: slot.reclaimed
        )
    }

    func resident(_ slot: Slot) -> ResidencyPlanner.Resident? {
        guard let number = slot.machine.presentWorker else { return nil }
        let holder = MemoryLedger.Worker(model: slot.entry.id, number: number)
        let (held, granted) = ledger.withLock {
            ($0.heldByteCount(by: holder), $0.grantedByteCount(to: holder))
        }
        let activity: ResidencyPlanner.Resident.Activity
        var since: MonotonicInstant?
        switch slot.machine.state {
        case .resident(_, let start):
            since = start
            activity = slot.idleSince.map { .idle(since: $0) } ?? .busy
        case .draining: activity = .leaving
        case .loading: activity = .loading
        case .unloaded, .starting, .waiting, .failed: return nil
        }
        return ResidencyPlanner.Resident(
            model: slot.entry.id,
            byteCount: held,
            reclaimableByteCount: granted,
            activity: activity,
            isPinned: slot.isPinned,
            residentSince: since,
            reload: slot.reload ?? .seconds(1)
        )
    }

    /// What further models may take now, by the ledger and by the machine.
    package func room() -> MemoryRoom {
        let holders = slots.values.compactMap { slot -> (held: Int, pid: Int32)? in
            guard let number = slot.machine.presentWorker,
                let pid = slot.worker?.state.withLock({ $0.pid })
            else { return nil }
            let holder = MemoryLedger.Worker(model: slot.entry.id, number: number)
            let held = ledger.withLock { $0.heldByteCount(by: holder) }
            return held > 0 ? (held, pid) : nil
        }
        let gauge = configuration.gauge
        let uncommitted = holders.reduce(0) { sum, holder in
            sum + max(0, holder.held - (gauge.resident(holder.pid) ?? 0))
        }
        let (capacity, held, mapped) = ledger.withLock {
            ($0.capacity, $0.heldByteCount, $0.mappedByteCount)
        }
        return MemoryRoom(
            budget: capacity,
            held: held,
            available: gauge.available() - mapped,
            reserve: gauge.reserveByteCount,
            uncommitted: uncommitted
        )
    }

    // MARK: Idle models

    /// Notes since when nobody uses the model.
    func noteIdleness(of id: String) {
        guard let slot = slots[id], case .resident = slot.machine.state,
            slot.machine.leaseCount == 0, slot.idleSince == nil
        else { return }
        slots[id]?.idleSince = .now()
    }

    /// When an idle model is unloaded; nil if that is not for the time to decide.
    func idleEnd(of slot: Slot) -> MonotonicInstant? {
        guard let idleSince = slot.idleSince, !slot.isPinned, case .resident = slot.machine.state
        else { return nil }
        switch slot.keepAlive ?? slot.entry.settings.keepAlive {
        case nil: return idleSince.advanced(by: configuration.limits.keepAlive)
        case .forever?: return nil
        case .duration(let duration)?: return idleSince.advanced(by: duration)
        }
    }

    private func unloadExpired(now: MonotonicInstant) {
        for (id, slot) in slots {
            guard let end = idleEnd(of: slot), end <= now else { continue }
            log.info("model was idle", ("model", id))
            slots[id]?.unloadReason = .idle
            carryOut(change(id) { $0.unloadRequested() }, for: id)
        }
    }

    /// Looks again at `time`, unless it will earlier.
    private func setAlarm(at time: MonotonicInstant?) {
        if let alarm, alarm.time == time { return }
        alarm?.task.cancel()
        alarm = nil
        guard let time else { return }
        let delay = max(.zero, time.duration(since: .now()))
        let events = events
        alarm = (
            time,
            Task {
                try? await Task.sleep(for: delay)
                if !Task.isCancelled { events.yield(.look) }
            }
        )
    }
}
