package import WorkerProtocol

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
    /// How keys and values are stored.
    package var kvType: WorkerLoadOptions.KVType?
    /// Whether likely next tokens are guessed where it pays.
    package var speculation: Bool?
    /// Requests of all keys under way.
    package var queueRequests: Int?
    /// Requests of one key under way.
    package var queueRequestsPerKey: Int?
    /// Prompt tokens of all keys under way.
    package var queueTokens: Int?
    /// Prompt tokens of one key under way.
    package var queueTokensPerKey: Int?
    /// Seconds that a request may wait for its first step.
    package var queueTimeout: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case aliases, context, threads, parallel, speculation
        case kvBytes = "kv_bytes"
        case kvType = "kv_type"
        case queueRequests = "queue_requests"
        case queueRequestsPerKey = "queue_requests_per_key"
        case queueTokens = "queue_tokens"
        case queueTokensPerKey = "queue_tokens_per_key"
        case queueTimeout = "queue_timeout"
    }

    init() {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        aliases = try container.decodeIfPresent([String].self, forKey: .aliases)
        context = try container.integer(forKey: .context, in: SettingLimits.context)
        threads = try container.integer(forKey: .threads, in: SettingLimits.threads)
        kvBytes = try container.integer(forKey: .kvBytes, in: SettingLimits.kvBytes)
        parallel = try container.integer(forKey: .parallel, in: SettingLimits.parallel)
        speculation = try container.decodeIfPresent(Bool.self, forKey: .speculation)
        let requests = SettingLimits.queueRequests
        queueRequests = try container.integer(forKey: .queueRequests, in: requests)
        queueRequestsPerKey = try container.integer(forKey: .queueRequestsPerKey, in: requests)
        let tokens = SettingLimits.queueTokens
        queueTokens = try container.integer(forKey: .queueTokens, in: tokens)
        queueTokensPerKey = try container.integer(forKey: .queueTokensPerKey, in: tokens)
        queueTimeout = try container.integer(
            forKey: .queueTimeout,
            in: SettingLimits.queueTimeout
        )
        guard let name = try container.decodeIfPresent(String.self, forKey: .kvType) else { return }
        kvType = WorkerLoadOptions.KVType(name: name)
        guard kvType == nil else { return }
        throw SettingError(
            path: (container.codingPath + [CodingKeys.kvType]).map(\.stringValue),
            message: "must be \(WorkerLoadOptions.KVType.names)"
        )
    }

    /// These settings, with what `winner` says instead wherever it says something.
    func applying(_ winner: ModelEntrySettings) -> ModelEntrySettings {
        var result = self
        result.aliases = winner.aliases ?? aliases
        result.context = winner.context ?? context
        result.threads = winner.threads ?? threads
        result.kvBytes = winner.kvBytes ?? kvBytes
        result.parallel = winner.parallel ?? parallel
        result.kvType = winner.kvType ?? kvType
        result.speculation = winner.speculation ?? speculation
        result.queueRequests = winner.queueRequests ?? queueRequests
        result.queueRequestsPerKey = winner.queueRequestsPerKey ?? queueRequestsPerKey
        result.queueTokens = winner.queueTokens ?? queueTokens
        result.queueTokensPerKey = winner.queueTokensPerKey ?? queueTokensPerKey
        result.queueTimeout = winner.queueTimeout ?? queueTimeout
        return result
    }
}

extension WorkerLoadOptions.KVType {
    /// The type that configurations call `name`.
    init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = type
    }

    /// All names, for a sentence that says what may be written.
    static var names: String { allCases.map(\.name).joined(separator: " or ") }
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
    /// Requests.
    static let queueRequests = 1...1_048_576
    /// Tokens.
    static let queueTokens = 1...(1 << 40)
    /// Seconds.
    static let queueTimeout = 1...86_400
    /// Seconds.
    static let drainTimeout = 0...3600
    static let workerTimeout = 2...3600
    /// The largest configuration file, in bytes.
    static let maximumFileByteCount = 1 << 20
}
