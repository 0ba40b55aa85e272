/// One model that could be loaded: a name and the file or folder behind it.
package struct CatalogEntry: Sendable, Hashable {
    /// What `/v1/models` shows: the name in lower case, with its tag unless that is `latest`.
    package let id: String
    /// Further names from the configuration, in lower case.
    package let aliases: [String]
    /// The id of the model that this is a variant of; nil for a model of its own.
    ///
    /// A variant has the same file and worker, and other defaults of requests.
    package let variantOf: String?
    /// What is added to the weights of the model that this is a variant of; nil: nothing.
    package let adapter: AdapterEntry?
    /// The adapters of a model of its own, in the order of their names.
    package let adapters: [AdapterEntry]
    /// Path of the GGUF file, its first part if it is split, or of a Hugging Face folder.
    package let path: String
    /// The files of a folder, by their names within it; empty for a GGUF file.
    package let folderFileNames: [String]
    /// Size of all parts, in bytes.
    package let byteCount: Int
    /// When the file last changed, in seconds since 1970: a stable `created` for clients.
    package let modificationTime: Int
    /// The settings that apply: the model's own, completed by the defaults.
    package let settings: ModelConfigurationEntry

    /// Paths of the model's files in order: of all parts, if it is split.
    package var partPaths: [String] {
        if !folderFileNames.isEmpty { return folderFileNames.map { "\(path)/\($0)" } }
        let name = path.split(separator: "/").last.map { String($0) } ?? path
        let directory = path.dropLast(name.count)
        return (ModelFileName(name)?.fileNames(first: name) ?? [name]).map { directory + $0 }
    }

    /// Makes an entry.
    package init(
        id: String,
        aliases: [String] = [],
        variantOf: String? = nil,
        adapter: AdapterEntry? = nil,
        adapters: [AdapterEntry] = [],
        path: String,
        folderFileNames: [String] = [],
        byteCount: Int,
        modificationTime: Int,
        settings: ModelConfigurationEntry = ModelConfigurationEntry()
    ) {
        self.id = id
        self.aliases = aliases
        self.variantOf = variantOf
        self.adapter = adapter
        self.adapters = adapters
        self.path = path
        self.folderFileNames = folderFileNames
        self.byteCount = byteCount
        self.modificationTime = modificationTime
        self.settings = settings
    }

    /// Another name for this model, with the request defaults of `settings` before its own.
    func variant(named name: String, _ settings: ModelConfigurationEntry) -> CatalogEntry {
        var own = self.settings
        own.aliases = settings.aliases
        own.requests = settings.requests.completed(by: own.requests)
        return CatalogEntry(
            id: Catalog.normalized(name),
            aliases: settings.aliases.map { Catalog.normalized($0) },
            variantOf: id,
            path: path,
            folderFileNames: folderFileNames,
            byteCount: byteCount,
            modificationTime: modificationTime,
            settings: own
        )
    }

    /// The model with an adapter, under a name of its own: `base:adapter`.
    func adapted(by adapter: AdapterEntry) -> CatalogEntry {
        CatalogEntry(
            id: adapterID(adapter.setting.name),
            variantOf: id,
            adapter: adapter,
            path: path,
            folderFileNames: folderFileNames,
            byteCount: adapter.byteCount,
            modificationTime: adapter.modificationTime,
            settings: settings
        )
    }

    /// What `/v1/models` shows for an adapter of this model.
    func adapterID(_ name: String) -> String { "\(id):\(name)" }

    /// The same model with these adapters.
    func with(adapters: [AdapterEntry]) -> CatalogEntry {
        CatalogEntry(
            id: id,
            aliases: aliases,
            variantOf: variantOf,
            adapters: adapters,
            path: path,
            folderFileNames: folderFileNames,
            byteCount: byteCount,
            modificationTime: modificationTime,
            settings: settings
        )
    }

    /// The same model with another context length, in tokens.
    func with(contextLength: Int) -> CatalogEntry {
        var settings = settings
        settings.contextLength = contextLength
        return CatalogEntry(
            id: id,
            aliases: aliases,
            variantOf: variantOf,
            adapter: adapter,
            adapters: adapters,
            path: path,
            folderFileNames: folderFileNames,
            byteCount: byteCount,
            modificationTime: modificationTime,
            settings: settings
        )
    }
}
