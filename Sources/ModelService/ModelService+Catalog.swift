import Platform
import Telemetry

// Which models there are.
extension ModelService {
    /// All models, from a look at the directories that is no older than the rescan interval.
    package func catalog() async -> [CatalogEntry] {
        await rescan(unlessSince: configuration.limits.rescanInterval)
        return knownCatalog.entries
    }

    /// The model that a client's name means, looking for new files if it is unknown.
    package func entry(named name: String) async throws(ModelServiceError) -> CatalogEntry {
        switch knownCatalog.resolve(name) {
        case .unknown, .unknownAdapter:
            await rescan(unlessSince: configuration.limits.rescanInterval)
        case .found, .ambiguous: break
        }
        switch knownCatalog.resolve(name) {
        case .found(let entry): return entry
        case .ambiguous(let ids): throw .ambiguousModel(name: name, candidates: ids)
        case .unknown: throw .unknownModel(name: name)
        case .unknownAdapter(let model, let adapter, let adapters):
            throw .adapter(.unknown(model: model, name: adapter, adapters: adapters))
        }
    }

    /// The model whose worker serves a client's name: of a variant the one it is a variant of.
    func servingEntry(named name: String) async throws(ModelServiceError) -> CatalogEntry {
        let entry = try await entry(named: name)
        guard let base = entry.variantOf else { return entry }
        return try await self.entry(named: base)
    }

    /// What requests for the model of that name are taken to say where they say nothing; nothing if
    /// there is no such model.
    package func requestDefaults(for name: String?) async -> RequestDefaults {
        guard let name, let entry = try? await entry(named: name) else { return RequestDefaults() }
        return entry.settings.requests
    }

    /// Looks at the directories again, unless that was done within `interval`.
    ///
    /// Whoever comes while that goes on waits for its end, instead of finding models missing.
    func rescan(unlessSince interval: Duration?) async {
        if let scanning {
            await scanning.value
            if interval != nil { return }
        }
        let now = MonotonicInstant.now()
        if let interval, let lastScan, now.duration(since: lastScan) < interval { return }
        lastScan = now
        let task = Task { await lookForModels() }
        scanning = task
        await task.value
    }

    private func lookForModels() async {
        let number = configurationNumber
        let outcome = await Self.scan(CatalogScanner(configuration, attached: attached))
        scanning = nil
        guard number == configurationNumber else { return }
        for warning in outcome.warnings { log.warning("model scan", ("problem", warning)) }
        knownCatalog = outcome.catalog
        dropAdapters()
        inspectModels()
    }

    @concurrent
    static func scan(_ scanner: CatalogScanner) async -> CatalogScanner.Outcome {
        scanner.scan()
    }
}
