import Platform

// What metrics show.
extension ModelService {
    /// What has happened to each model that was used since the service was made, by the catalog's
    /// id.
    package nonisolated var modelTotals: [String: ModelTotals] { counters.snapshot }

    /// Every model of the catalog as it was last read, with its present state.
    ///
    /// Unlike `status()` it looks at no directory.
    package func presentStatus() -> [ModelStatus] {
        knownCatalog.entries.map { status(of: $0, now: .now()) }
    }
}
