import FoundationEssentials
import Glibc

/// Looks for model files in the configured directories.
///
/// Reads directories and file sizes only, never a file. Blocks; call it from no actor.
struct CatalogScanner: Sendable {
    let directories: [String]
    let models: [String: ModelConfigurationEntry]
    let defaults: ModelConfigurationEntry
    let maximumEntryCount: Int
    /// What operators have added, by the models' ids.
    let attached: [String: [AdapterSetting]]

    /// How deep below a configured directory files are found: `org/model/file.gguf`.
    static let maximumDepth = 3

    /// What a scan found, and what an operator should know about it.
    struct Outcome: Sendable {
        var catalog: Catalog
        var warnings: [String]
    }

    init(
        _ configuration: ModelServiceConfiguration,
        attached: [String: [AdapterSetting]] = [:]
    ) {
        self.attached = attached
        directories = configuration.directories
        models = configuration.models
        defaults = configuration.defaults
        maximumEntryCount = configuration.limits.maximumCatalogEntryCount
    }

    /// Scans all directories now.
    func scan() -> Outcome {
        var entries: [CatalogEntry] = []
        var warnings: [String] = []
        for directory in directories {
            scan(directory, depth: 1, into: &entries, warnings: &warnings)
        }
        if entries.count > maximumEntryCount {
            warnings.append("more than \(maximumEntryCount) models, the rest is left out")
            entries.removeLast(entries.count - maximumEntryCount)
        }
        entries = entries.map { withAdapters($0, warnings: &warnings) }
        let files = Catalog(entries)
        let variants = variants(of: files, warnings: &warnings)
        return Outcome(catalog: Catalog(entries + variants), warnings: warnings)
    }

    /// The configured variants of models that are there.
    private func variants(of files: Catalog, warnings: inout [String]) -> [CatalogEntry] {
        models.sorted { $0.key < $1.key }.compactMap { name, settings in
            guard let base = settings.variantOf else { return nil }
            guard !files.entries.contains(where: { $0.id == Catalog.normalized(name) }) else {
                warnings.append("\(name) is a file, and so no variant of \(base)")
                return nil
            }
            switch files.resolve(base) {
            case .found(let entry): return entry.variant(named: name, settings)
            case .ambiguous(let ids):
                let list = ids.joined(separator: ", ")
                warnings.append("\(name) is a variant of \(base), which may be any of \(list)")
            case .unknown, .unknownAdapter:
                warnings.append("\(name) is a variant of \(base), which is not there")
            }
            return nil
        }
    }

    /// The entry with the adapters that are there.
    private func withAdapters(_ entry: CatalogEntry, warnings: inout [String]) -> CatalogEntry {
        let configured = entry.settings.adapters
        let names = Set(configured.map(\.name))
        let added = (attached[entry.id] ?? []).filter { !names.contains($0.name) }
        guard !configured.isEmpty || !added.isEmpty else { return entry }
        var adapters: [AdapterEntry] = []
        for setting in configured + added {
            if let adapter = AdapterEntry(setting, isConfigured: names.contains(setting.name)) {
                adapters.append(adapter)
            } else {
                warnings.append(
                    "the adapter \(setting.name) of \(entry.id) is not there: \(setting.path) is "
                        + "neither a GGUF file nor a folder with adapter_config.json and "
                        + "adapter_model.safetensors"
                )
            }
        }
        adapters.sort { $0.setting.name < $1.setting.name }
        return entry.with(adapters: adapters)
    }

    private func scan(
        _ directory: String,
        depth: Int,
        into entries: inout [CatalogEntry],
        warnings: inout [String]
    ) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            warnings.append("cannot read the directory \(directory)")
            return
        }
        for name in names.sorted() where !name.hasPrefix(".") && entries.count <= maximumEntryCount
        {
            let path = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
            guard let facts = FileFacts(path: path) else { continue }
            if facts.isDirectory, let folder = ModelFolderFiles(path) {
                entries.append(entry(folder, name: name, path: path))
            } else if facts.isDirectory, depth < Self.maximumDepth {
                scan(path, depth: depth + 1, into: &entries, warnings: &warnings)
            } else if !facts.isDirectory, let fileName = ModelFileName(name) {
                let entry = entry(fileName, name: name, path: path, directory, facts)
                if entry == nil { warnings.append("parts of \(path) are missing") }
                if let entry { entries.append(entry) }
            }
        }
    }

    /// The entry of a model, nil when one of its parts is missing.
    private func entry(
        _ fileName: ModelFileName,
        name: String,
        path: String,
        _ directory: String,
        _ facts: FileFacts
    ) -> CatalogEntry? {
        var byteCount = 0
        for part in fileName.fileNames(first: name) {
            guard let partFacts = FileFacts(path: "\(directory)/\(part)") else { return nil }
            byteCount += partFacts.byteCount
        }
        let settings = settings(of: fileName.id)
        return CatalogEntry(
            id: fileName.id,
            aliases: settings.aliases.map { Catalog.normalized($0) },
            path: path,
            byteCount: byteCount,
            modificationTime: facts.modificationTime,
            settings: settings
        )
    }

    /// The entry of a Hugging Face folder.
    private func entry(_ folder: ModelFolderFiles, name: String, path: String) -> CatalogEntry {
        let id = Catalog.normalized(name)
        let settings = settings(of: id)
        return CatalogEntry(
            id: id,
            aliases: settings.aliases.map { Catalog.normalized($0) },
            path: path,
            folderFileNames: folder.names,
            byteCount: folder.byteCount,
            modificationTime: folder.modificationTime,
            settings: settings
        )
    }

    private func settings(of id: String) -> ModelConfigurationEntry {
        let own = models.first { Catalog.normalized($0.key) == id }?.value
        return (own ?? ModelConfigurationEntry()).completed(by: defaults)
    }
}

/// What stat(2) says about a path, symbolic links followed.
struct FileFacts {
    let isDirectory: Bool
    let byteCount: Int
    let modificationTime: Int

    init?(path: String) {
        var status = stat()
        // Safety: `status` is writable for the length of the call, the path is copied by it.
        guard unsafe stat(path, &status) == 0 else { return nil }
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        byteCount = Int(status.st_size)
        modificationTime = Int(status.st_mtim.tv_sec)
    }
}
