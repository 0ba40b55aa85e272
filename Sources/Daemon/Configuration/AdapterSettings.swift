package import ModelService

/// The `adapters` object of a model: names, and paths or objects with a path and a scale.
package struct AdapterSettings: Sendable, Hashable, Decodable {
    /// In the order of their names.
    package var adapters: [AdapterSetting]

    package init(from decoder: any Decoder) throws {
        let entries = try decoder.singleValueContainer().decode([String: Entry].self)
        adapters = try entries.sorted { $0.key < $1.key }.map { name, entry in
            let path = decoder.codingPath.map(\.stringValue) + [name]
            guard AdapterSetting.isName(name) else {
                throw SettingError(
                    path: path,
                    message: "is not made of up to 64 letters, digits, `-`, `_` and `.`"
                )
            }
            guard entry.path.hasPrefix("/") else {
                throw SettingError(path: path, message: "\(entry.path) is no absolute path")
            }
            return AdapterSetting(name: name, path: entry.path, scale: entry.scale ?? 1)
        }
    }

    private struct Entry: Decodable {
        let path: String
        let scale: Double?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case path, scale
        }

        init(from decoder: any Decoder) throws {
            if let path = try? decoder.singleValueContainer().decode(String.self) {
                self.path = path
                scale = nil
                return
            }
            let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
            path = try container.decode(String.self, forKey: .path)
            scale = try container.number(forKey: .scale, in: AdapterSetting.scales)
        }
    }
}
