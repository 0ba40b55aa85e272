import ModelService

extension DaemonConfiguration {
    /// What is in the model directories.
    package struct ModelScan: Sendable, Hashable {
        /// The directories, as configured.
        package var directories: [String]
        /// The ids of the models found, variants included.
        package var modelNames: [String]
        /// What an operator should know, such as a directory that cannot be read.
        package var warnings: [String]

        /// Makes a value.
        package init(directories: [String], modelNames: [String], warnings: [String]) {
            self.directories = directories
            self.modelNames = modelNames
            self.warnings = warnings
        }
    }

    /// Looks for models as the daemon would.
    ///
    /// Reads directories: it blocks.
    package func scanForModels() -> ModelScan {
        let found = Catalog.scan(modelService(variables: [:]))
        return ModelScan(
            directories: modelDirectories,
            modelNames: found.catalog.entries.map(\.id),
            warnings: found.warnings
        )
    }
}
