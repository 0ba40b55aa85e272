extension GGUFMetadata {
    /// Metadata that doesn't come from a GGUF file.
    ///
    /// - Parameters:
    ///   - path: What it describes, for error messages.
    ///   - values: Keys, each once, and their values, in order.
    /// - Throws: A key that stands twice, or more bytes than a header may have.
    init(path: String, _ values: [(key: String, value: GGUFValue)]) throws(GGUFError) {
        var bytes: [UInt8] = []
        for (key, value) in values {
            bytes.append(string: key)
            value.write(to: &bytes)
        }
        try self.init(path: path, serialized: bytes, keyCount: values.count)
    }

    /// The same with other values for some keys; those that aren't there come last.
    package func replacing(
        _ values: [(key: String, value: GGUFValue)]
    ) throws(GGUFError) -> GGUFMetadata {
        let replaced = Set(values.map(\.key))
        var bytes: [UInt8] = []
        var count = values.count
        for key in keys where !replaced.contains(key) {
            bytes.append(string: key)
            write(key, to: &bytes)
            count += 1
        }
        for (key, value) in values {
            bytes.append(string: key)
            value.write(to: &bytes)
        }
        return try GGUFMetadata(path: path, serialized: bytes, keyCount: count)
    }

    private init(path: String, serialized bytes: [UInt8], keyCount: Int) throws(GGUFError) {
        var cursor = GGUFCursor(bytes: bytes, path: path, limits: .standard)
        let (keys, entries) = try GGUFMetadataParser.parse(&cursor, keyCount: UInt64(keyCount))
        self.init(path: path, keys: keys, entries: entries, bytes: bytes)
    }
}
