package import ModelService

extension DaemonConfiguration {
    /// The model that `name` means in these directories, for commands that work without a daemon.
    ///
    /// Reads directories: it blocks.
    package func resolveModel(_ name: String) -> Catalog.Resolution {
        Catalog.scan(modelService(variables: [:])).catalog.resolve(name)
    }
}
