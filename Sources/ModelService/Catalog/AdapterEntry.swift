package import WorkerProtocol

/// What the configuration or an operator says about an adapter.
package struct AdapterSetting: Sendable, Hashable {
    /// What requests call it, in lower case: the part behind the model's name and a colon.
    package let name: String
    /// Path of a GGUF file, or of a folder as PEFT lays it out.
    package let path: String
    /// What its own scale is multiplied with.
    package let scale: Double

    /// Names an adapter.
    package init(name: String, path: String, scale: Double = 1) {
        self.name = name.lowercased()
        self.path = path
        self.scale = scale
    }

    /// Scales that make sense; what is beyond is a mistake in writing.
    package static let scales = -100.0...100.0

    /// Whether requests can call an adapter so: letters, digits, `-`, `_` and `.`, 64 at most.
    package static func isName(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        // `latest` is what a missing tag stands for.
        return isPlain && (1...64).contains(name.utf8.count) && name.lowercased() != "latest"
    }
}

/// An adapter that is there: its setting and the files behind it.
package struct AdapterEntry: Sendable, Hashable {
    /// What was said about it.
    package let setting: AdapterSetting
    /// Whether the configuration says so, not an operator.
    package let isConfigured: Bool
    /// The files of a folder by their names within it; for a GGUF file one empty name.
    package let fileNames: [String]
    /// Size of its weights, in bytes.
    package let byteCount: Int
    /// When its weights last changed, in seconds since 1970.
    package let modificationTime: Int

    /// Looks for the files of an adapter; nil if they are not there.
    ///
    /// Reads sizes and times only. Blocks for a moment.
    package init?(_ setting: AdapterSetting, isConfigured: Bool) {
        guard let facts = FileFacts(path: setting.path) else { return nil }
        self.setting = setting
        self.isConfigured = isConfigured
        guard facts.isDirectory else {
            fileNames = [""]
            byteCount = facts.byteCount
            modificationTime = facts.modificationTime
            return
        }
        let names = ["adapter_config.json", "adapter_model.safetensors"]
        let files = names.compactMap { FileFacts(path: "\(setting.path)/\($0)") }
        guard files.count == names.count else { return nil }
        fileNames = names
        byteCount = files[1].byteCount
        modificationTime = files.map(\.modificationTime).max() ?? 0
    }

    /// Paths of its files, in the order of their names.
    var paths: [String] {
        fileNames.map { $0.isEmpty ? setting.path : "\(setting.path)/\($0)" }
    }

    /// As a worker is told.
    var source: AdapterSource {
        AdapterSource(
            name: setting.name,
            path: setting.path,
            fileNames: fileNames,
            scale: setting.scale
        )
    }
}

/// An adapter's present state, for operators.
package struct AdapterStatus: Sendable, Hashable {
    /// What is there.
    package let entry: AdapterEntry
    /// What the worker knows about it; nil while the model is not in memory, or until a request first
    /// asks for an adapter that came later.
    package let facts: AdapterFacts?
}
