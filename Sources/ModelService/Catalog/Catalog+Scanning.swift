extension Catalog {
    /// The models in the directories of `configuration`, and what an operator should know about
    /// them, for commands that work without a service.
    ///
    /// Reads directories: it blocks.
    package static func scan(
        _ configuration: ModelServiceConfiguration
    ) -> (catalog: Catalog, warnings: [String]) {
        let outcome = CatalogScanner(configuration).scan()
        return (outcome.catalog, outcome.warnings)
    }
}
