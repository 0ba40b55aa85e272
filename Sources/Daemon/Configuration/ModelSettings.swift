/// The `models` object of the configuration file; nil means not said.
package struct ModelSettings: Sendable, Hashable, Decodable {
    /// Directories that are scanned for models.
    package var directories: [String]?
    /// Settings for every model that does not have its own.
    package var defaults: ModelEntrySettings?
    /// Settings of single models by name.
    package var entries: [String: ModelEntrySettings]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case directories, defaults, entries
    }

    init() {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        directories = try container.decodeIfPresent([String].self, forKey: .directories)
        defaults = try container.decodeIfPresent(ModelEntrySettings.self, forKey: .defaults)
        entries = try container.decodeIfPresent(
            [String: ModelEntrySettings].self,
            forKey: .entries
        )
    }
}

/// What the configuration says about one model, or about all of them; nil means not said.
package struct ModelEntrySettings: Sendable, Hashable, Decodable {
    /// Further names under which clients find the model.
    package var aliases: [String]?
    /// Prompt and output tokens of a sequence, at most.
    package var context: Int?
    /// Threads that compute.
    package var threads: Int?
    /// Bytes for the keys and values of all sequences together.
    package var kvBytes: Int?
    /// Sequences computed at the same time.
    package var parallel: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case aliases, context, threads, parallel
        case kvBytes = "kv_bytes"
    }

    init() {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        aliases = try container.decodeIfPresent([String].self, forKey: .aliases)
        context = try container.integer(forKey: .context, in: SettingLimits.context)
        threads = try container.integer(forKey: .threads, in: SettingLimits.threads)
        kvBytes = try container.integer(forKey: .kvBytes, in: SettingLimits.kvBytes)
        parallel = try container.integer(forKey: .parallel, in: SettingLimits.parallel)
    }
}

/// The ranges of the numbers in a configuration.
enum SettingLimits {
    /// Tokens.
    static let context = 16...16_777_216
    /// Threads.
    static let threads = 1...1024
    /// Bytes: 1 MiB to 16 TiB.
    static let kvBytes = (1 << 20)...(1 << 44)
    /// Sequences.
    static let parallel = 1...1024
    /// Seconds.
    static let drainTimeout = 0...3600
    /// The largest configuration file, in bytes.
    static let maximumFileByteCount = 1 << 20
}
