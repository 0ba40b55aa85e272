import Telemetry

// Which models can't be served, and why, before anybody asks for them.
extension ModelService {
    /// Has a worker look at each model that is new or changed, one after the other.
    ///
    /// The gateway itself never parses a model file: whoever made it may mean harm. A worker that has
    /// locked itself in reads what describes the model (not its weights), and either says what a load
    /// would take, which later plans use, or why it can't be.
    func inspectModels() {
        guard configuration.inspectsModels, inspection == nil else { return }
        let known = Set(knownCatalog.entries.map { NeedKey($0) })
        inspections = inspections.filter { known.contains($0.key) }
        inspection = Task {
            while let entry = nextToInspect() { await inspect(entry) }
            inspection = nil
        }
    }

    /// A model that nobody has looked at.
    private func nextToInspect() -> CatalogEntry? {
        guard !isShuttingDown else { return nil }
        return knownCatalog.entries.first { entry in
            let key = NeedKey(entry)
            return entry.variantOf == nil && inspections[key] == nil && needs[key] == nil
                && slots[entry.id]?.machine.presentWorker == nil
        }
    }

    private func inspect(_ entry: CatalogEntry) async {
        let key = NeedKey(entry)
        // Noted at once: a look that comes to nothing isn't repeated.
        inspections[key] = .some(nil)
        do throws(ModelServiceError) {
            needs[key] = try await measure(entry)
        } catch {
            guard case .loadFailed(_, let message, _) = error else { return }
            inspections[key] = message
            log.warning("model can't be served", ("model", entry.id), ("problem", message))
        }
    }
}
