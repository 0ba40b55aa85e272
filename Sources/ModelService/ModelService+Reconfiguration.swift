import Platform
import Telemetry

// Another configuration while models run.
extension ModelService {
    /// Takes over what another configuration says about models.
    ///
    /// That is: their directories and settings, the memory that they may take together, and when they
    /// go for each other. All else stays as it was. If the memory has become less, idle models go
    /// until the others fit; models that are to be preloaded now are loaded.
    ///
    /// Models whose own settings stay the same are not touched. A model in memory whose worker was
    /// started with other settings takes no further requests, finishes those it has, and goes; the
    /// next request loads it anew. So does one that is in none of the new directories.
    ///
    /// - Returns: The ids of the models that go, and the number of models that there are.
    package func reconfigure(
        _ changed: ModelServiceConfiguration
    ) async -> (leaving: [String], modelCount: Int) {
        // What takes time comes first; everything after it is one step.
        let outcome = await Self.scan(CatalogScanner(changed, attached: attached))
        guard !isShuttingDown else { return ([], knownCatalog.entries.count) }
        configurationNumber += 1
        for warning in outcome.warnings { log.warning("model scan", ("problem", warning)) }
        let preloadedBefore = preloaded
        let movedOut = configuration.directories != changed.directories
        let old = Dictionary(uniqueKeysWithValues: knownCatalog.entries.map { ($0.id, $0) })
        let new = Dictionary(uniqueKeysWithValues: outcome.catalog.entries.map { ($0.id, $0) })
        configuration.directories = changed.directories
        configuration.models = changed.models
        configuration.preloaded = changed.preloaded
        configuration.defaults = changed.defaults
        configuration.limits.residency = changed.limits.residency
        changeBudget(to: changed)
        knownCatalog = outcome.catalog
        lastScan = .now()
        var leaving: [String] = []
        for id in slots.keys.sorted() {
            guard let before = old[id] else { continue }
            let isPresent = slots[id]?.machine.presentWorker != nil
            let mustGo = new[id].map { update(id, from: before, to: $0) } ?? movedOut
            guard mustGo else { continue }
            if isPresent { leaving.append(id) }
            if new[id] == nil { refuseWaiting(id, .unloaded(model: id)) }
            slots[id]?.unloadReason = .changed
            carryOut(change(id) { $0.unloadRequested() }, for: id)
        }
        dropAdapters()
        settle()
        preload(preloaded.filter { !preloadedBefore.contains($0) })
        return (leaving, outcome.catalog.entries.count)
    }

    private func changeBudget(to changed: ModelServiceConfiguration) {
        guard configuration.memoryByteCount != changed.memoryByteCount else { return }
        configuration.memoryByteCount = changed.memoryByteCount
        let held = ledger.withLock { $0.heldByteCount }
        let budget = Self.budget(configuration, held: held)
        ledger.withLock { $0.changeCapacity(to: budget) }
        // How much a model takes for its cache depends on the budget.
        needs = [:]
        if budget < held { reclaimMemory() }
    }

    /// Gives the slot its new entry; true if its worker cannot serve it.
    private func update(
        _ id: String,
        from old: CatalogEntry,
        to new: CatalogEntry
    ) -> Bool {
        guard var slot = slots[id],
            old.path != new.path || old.settings != new.settings || old.adapters != new.adapters
        else { return false }
        let mustGo = old.path != new.path || !old.settings.startsAlike(new.settings)
        let context = slot.entry.settings.contextLength
        slot.entry = new
        if !mustGo, let context, context != old.settings.contextLength {
            // An operator has loaded it with another context than the configuration's.
            slot.entry = new.with(contextLength: context)
        }
        if old.settings.isPinned != new.settings.isPinned {
            slot.isPinned = new.settings.isPinned ?? false
        }
        slot.worker?.weigh(new.settings.computeThousandths)
        slots[id] = slot
        return mustGo
    }

    /// Tells everybody who watches what became of a reload.
    package nonisolated func announceReload(summary: String) {
        hub.send(
            ModelEvent(time: Timestamp.now().seconds, model: nil, kind: .reload(summary: summary))
        )
    }
}
