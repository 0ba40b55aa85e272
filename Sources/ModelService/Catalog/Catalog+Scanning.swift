extension Catalog {
    /// The models in the directories of `configuration`, for commands that work without a service.
    ///
    /// Reads directories: it blocks. Problems of single directories are left out.
    package init(scanning configuration: ModelServiceConfiguration) {
        self = CatalogScanner(configuration).scan().catalog
    }
}
