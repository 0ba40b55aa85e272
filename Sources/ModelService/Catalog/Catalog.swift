/// The models that could be loaded, and how a client's name finds one of them.
///
/// A value without I/O; `CatalogScanner` makes it. Names are compared in lower case.
///
/// How a name is resolved, the first rule that fits:
/// 1. A missing tag means `latest`: `name` and `name:latest` are the same.
/// 2. The id of a model, or an alias from the configuration.
/// 3. A file's name as it stands on disk, that is, with `.gguf`.
/// 4. The beginning of exactly one id, up to one of its separators (`-`, `.`, `_`, `:`):
///    `smollm2` finds `smollm2-135m-instruct.q4_1` while no second id begins so.
/// 5. What stands before the last colon, by these rules, and behind it the name of an adapter of
///    that model.
package struct Catalog: Sendable, Hashable {
    /// The models in the order of their ids.
    package let entries: [CatalogEntry]

    private let positions: [String: Int]

    /// What a name leads to.
    package enum Resolution: Sendable, Hashable {
        case found(CatalogEntry)
        /// Several ids begin with the name.
        case ambiguous(ids: [String])
        case unknown
        /// The model is there, and has only these adapters.
        case unknownAdapter(model: String, name: String, adapters: [String])
    }

    /// A catalog of these models; of equal names the earlier entry keeps it.
    package init(_ entries: [CatalogEntry] = []) {
        var unique: [CatalogEntry] = []
        var ids: Set<String> = []
        // Adapters come last, so that no model loses its name to one.
        let adapted = entries.flatMap { entry in entry.adapters.map { entry.adapted(by: $0) } }
        for entry in entries + adapted where ids.insert(entry.id).inserted { unique.append(entry) }
        unique.sort { $0.id < $1.id }
        var positions: [String: Int] = [:]
        for (position, entry) in unique.enumerated() { positions[entry.id] = position }
        for (position, entry) in unique.enumerated() {
            for alias in entry.aliases {
                let name = Self.normalized(alias)
                if positions[name] == nil { positions[name] = position }
            }
        }
        self.entries = unique
        self.positions = positions
    }

    /// The model that a client's name means.
    package func resolve(_ name: String) -> Resolution {
        var name = Self.normalized(name)
        if let position = positions[name] { return .found(entries[position]) }
        if name.hasSuffix(".gguf") {
            name.removeLast(".gguf".count)
            if let position = positions[name] { return .found(entries[position]) }
        }
        guard !name.isEmpty else { return .unknown }
        let candidates = entries.filter { $0.adapter == nil && Self.begins($0.id, with: name) }
        switch candidates.count {
        case 0: return resolveAdapter(name)
        case 1: return .found(candidates[0])
        default: return .ambiguous(ids: candidates.map(\.id))
        }
    }

    private func resolveAdapter(_ name: String) -> Resolution {
        guard let colon = name.lastIndex(of: ":"),
            case .found(let entry) = resolve(String(name[..<colon])), entry.adapter == nil,
            let position = positions[entry.variantOf ?? entry.id]
        else { return .unknown }
        let model = entries[position]
        let wanted = String(name[name.index(after: colon)...])
        if let position = positions[model.adapterID(wanted)] { return .found(entries[position]) }
        let ids = model.adapters.map { model.adapterID($0.setting.name) }
        // Without adapters it was a tag.
        return ids.isEmpty
            ? .unknown : .unknownAdapter(model: model.id, name: wanted, adapters: ids)
    }

    /// A name in lower case, without the tag `latest`.
    package static func normalized(_ name: String) -> String {
        let lowered = name.lowercased()
        guard lowered.hasSuffix(":latest") else { return lowered }
        return String(lowered.dropLast(":latest".count))
    }

    private static func begins(_ id: String, with name: String) -> Bool {
        guard id.hasPrefix(name), let next = id.dropFirst(name.count).first else { return false }
        return "-._:".contains(next)
    }
}
