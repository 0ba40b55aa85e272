import Platform
import Telemetry
import WorkerProtocol

// Adapters of models: which there are, and which the workers have.
extension ModelService {
    /// An adapter that a worker has, or has refused.
    struct SlotAdapter {
        let entry: AdapterEntry
        let facts: AdapterFacts
    }

    /// What came of attaching one.
    typealias Attachment = Result<AdapterFacts, GenerationFailure>

    /// The adapters of a model and their state, in the order of their names.
    package func adapters(of name: String) async throws(ModelServiceError) -> [AdapterStatus] {
        let entry = try await servingEntry(named: name)
        return entry.adapters.map { adapterStatus(of: $0, model: entry.id) }
    }

    func adapterStatus(of adapter: AdapterEntry, model id: String) -> AdapterStatus {
        let present = slots[id]?.adapters[adapter.setting.name]
        let isCurrent = present?.entry == adapter && slots[id]?.worker?.isOpen == true
        return AdapterStatus(entry: adapter, facts: isCurrent ? present?.facts : nil)
    }

    /// Adds an adapter to a model until the service ends or the adapter is removed.
    ///
    /// If the model is in memory, its worker takes the adapter now, or says why not; otherwise it does
    /// when it loads the model.
    ///
    /// - Returns: The adapter's state.
    /// - Throws: Why it cannot be used; then it is not added.
    package func addAdapter(
        _ setting: AdapterSetting,
        to name: String
    ) async throws(ModelServiceError) -> AdapterStatus {
        let model = try await servingEntry(named: name)
        try checkRoom(for: setting, in: model)
        guard let adapter = await Self.look(for: setting) else {
            let message =
                "There is no adapter at \(setting.path): neither a GGUF file nor a folder with "
                + "adapter_config.json and adapter_model.safetensors."
            throw .adapter(.unusable(message: message))
        }
        if case .resident = slots[model.id]?.machine.state {
            let lease = try await lease(model.id)
            do throws(ModelServiceError) {
                try await prepare(adapter, on: lease)
            } catch {
                slots[model.id]?.adapters[setting.name] = nil
                throw error
            }
        }
        // Another call may have come in between.
        if let present = try? await entry(named: model.id) {
            try checkRoom(for: setting, in: present)
        }
        attached[model.id, default: []].append(setting)
        await rescan(unlessSince: nil)
        log.info("adapter added", ("model", model.id), ("adapter", setting.name))
        return adapterStatus(of: adapter, model: model.id)
    }

    private func checkRoom(
        for setting: AdapterSetting,
        in model: CatalogEntry
    ) throws(ModelServiceError) {
        if let present = model.adapters.first(where: { $0.setting.name == setting.name }) {
            let id = model.adapterID(setting.name)
            throw .adapter(.exists(id: id, path: present.setting.path))
        }
        let maximum = configuration.limits.maximumAdapterCount
        if model.adapters.count >= maximum {
            throw .adapter(.tooMany(model: model.id, maximumCount: maximum))
        }
    }

    @concurrent
    private static func look(for setting: AdapterSetting) async -> AdapterEntry? {
        AdapterEntry(setting, isConfigured: false)
    }

    /// Takes an adapter away: requests that use it go on to their end, no other can ask for it.
    ///
    /// - Parameter name: The adapter's model name, `base:adapter`.
    /// - Throws: If there is none of the name, or if the configuration says that there is one.
    package func removeAdapter(_ name: String) async throws(ModelServiceError) {
        let entry = try await entry(named: name)
        guard let adapter = entry.adapter, let model = entry.variantOf else {
            throw .adapter(.isModel(name: name))
        }
        guard !adapter.isConfigured else { throw .adapter(.isConfigured(id: entry.id)) }
        attached[model]?.removeAll { $0.name == adapter.setting.name }
        await rescan(unlessSince: nil)
        log.info("adapter removed", ("model", model), ("adapter", adapter.setting.name))
    }

    // MARK: Workers

    /// Takes from the workers what the catalog does not have any more.
    func dropAdapters() {
        for (id, slot) in slots where !slot.adapters.isEmpty {
            guard case .found(let entry) = knownCatalog.resolve(id) else { continue }
            let names = Set(entry.adapters.map(\.setting.name))
            for name in slot.adapters.keys where !names.contains(name) {
                slots[id]?.adapters[name] = nil
                _ = slot.worker?.send(.detachAdapter(name: name))
            }
        }
    }

    /// Notes what a worker says about the adapters that it was started with.
    func noteAdapters(_ facts: [AdapterFacts], of id: String) {
        for entry in slots[id]?.worker?.launch.adapters ?? [] {
            guard let facts = facts.first(where: { $0.name == entry.setting.name }) else {
                continue
            }
            slots[id]?.adapters[entry.setting.name] = SlotAdapter(entry: entry, facts: facts)
        }
    }

    /// Sees to it that the worker of a lease has an adapter, as it is on disk now.
    ///
    /// Adapters that came after the worker was started are attached when they are first asked for.
    ///
    /// - Throws: Why it cannot be used.
    func prepare(_ adapter: AdapterEntry, on lease: ModelLease) async throws(ModelServiceError) {
        let (id, name) = (lease.model, adapter.setting.name)
        // If the worker has been replaced meanwhile, the request fails with it.
        while let slot = slots[id], slot.worker === lease.worker {
            if let present = slot.adapters[name], present.entry == adapter {
                guard let problem = present.facts.problem else { return }
                throw .adapter(.unusable(message: problem))
            }
            let task = slot.attaching[name] ?? beginAttaching(adapter, on: lease)
            let attachment = await task.value
            guard slots[id]?.worker === lease.worker else { return }
            slots[id]?.attaching[name] = nil
            switch attachment {
            case .success(let facts):
                slots[id]?.adapters[name] = SlotAdapter(entry: adapter, facts: facts)
            case .failure(let failure) where failure.kind == .unusableAdapter:
                let facts = AdapterFacts(name: name, problem: failure.message)
                slots[id]?.adapters[name] = SlotAdapter(entry: adapter, facts: facts)
            case .failure(let failure):
                throw .adapter(.notAttached(failure))
            }
        }
    }

    private func beginAttaching(
        _ adapter: AdapterEntry,
        on lease: ModelLease
    ) -> Task<Attachment, Never> {
        let worker = lease.worker
        let task = Task { await Self.attach(adapter, to: worker) }
        slots[lease.model]?.attaching[adapter.setting.name] = task
        return task
    }

    @concurrent
    private static func attach(
        _ adapter: AdapterEntry,
        to worker: WorkerProcess
    ) async -> Attachment {
        do {
            let files = try adapter.paths.map { path throws(SystemError) in
                try OpenedFile(path: path)
            }
            let answer = try await worker.ask(passing: files) {
                .attachAdapter(id: $0, adapter.source)
            }
            guard case .adapter(let facts) = answer else {
                preconditionFailure("a question about an adapter has an answer about it")
            }
            return .success(facts)
        } catch let failure as GenerationFailure {
            return .failure(failure)
        } catch {
            return .failure(
                GenerationFailure(
                    kind: .unusableAdapter,
                    message: "The adapter '\(adapter.setting.name)' cannot be read: \(error)."
                )
            )
        }
    }
}
