package import ModelService
package import WorkerProtocol

/// The `models` object of the configuration file; nil means not said.
package struct ModelSettings: Sendable, Hashable, Decodable {
    /// Directories that are scanned for models.
    package var directories: [String]?
    /// What all models together may take of the memory.
    package var memory: MemoryBudget?
    /// How many bytes of packed weights are kept for the next load.
    package var weightCache: WeightCacheSize?
    /// Seconds that a request for a model waits before busy models make room for it.
    package var swapMaxWait: Int?
    /// Seconds that a model stays before it may go for another's sake.
    package var minResidence: Int?
    /// Names of models that are loaded at the start.
    package var preload: [String]?
    /// Settings for every model that does not have its own.
    package var defaults: ModelEntrySettings?
    /// Settings of single models by name.
    package var entries: [String: ModelEntrySettings]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case directories, memory, preload, defaults, entries
        case weightCache = "weight_cache"
        case swapMaxWait = "swap_max_wait"
        case minResidence = "min_residence"
    }

    init() {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        directories = try container.decodeIfPresent([String].self, forKey: .directories)
        memory = try container.decodeIfPresent(MemoryBudget.self, forKey: .memory)
        weightCache = try container.decodeIfPresent(WeightCacheSize.self, forKey: .weightCache)
        preload = try container.decodeIfPresent([String].self, forKey: .preload)
        swapMaxWait = try container.integer(forKey: .swapMaxWait, in: SettingLimits.swapMaxWait)
        minResidence = try container.integer(forKey: .minResidence, in: SettingLimits.minResidence)
        defaults = try container.decodeIfPresent(ModelEntrySettings.self, forKey: .defaults)
        entries = try container.decodeIfPresent(
            [String: ModelEntrySettings].self,
            forKey: .entries
        )
    }

    /// These settings, with what `winner` says instead wherever it says something.
    func applying(_ winner: ModelSettings) -> ModelSettings {
        var result = self
        result.directories = winner.directories ?? directories
        result.memory = winner.memory ?? memory
        result.weightCache = winner.weightCache ?? weightCache
        result.swapMaxWait = winner.swapMaxWait ?? swapMaxWait
        result.minResidence = winner.minResidence ?? minResidence
        result.preload = winner.preload ?? preload
        result.entries = winner.entries ?? entries
        result.defaults = (defaults ?? ModelEntrySettings())
            .applying(winner.defaults ?? ModelEntrySettings())
        return result
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
    /// What matrices become while they are loaded.
    package var quantize: WorkerLoadOptions.WeightType?
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
    /// The model's share of the compute time beside other models that compute; 1 if not said.
    package var weight: Double?
    /// How long the model may be idle before it is unloaded.
    package var keepAlive: KeepAlive?
    /// Whether the model never goes for the sake of others, or of the time.
    package var pin: Bool?
    /// Whether the model is loaded at the start.
    package var preload: Bool?
    /// The model that this is a variant of.
    package var variantOf: String?
    /// What can be added to the model's weights.
    package var adapters: AdapterSettings?
    /// What requests are taken to say where they say nothing.
    package var requests = RequestDefaults()

    enum CodingKeys: String, CodingKey, CaseIterable {
        case adapters, aliases, context, threads, parallel, quantize, speculation, weight, pin,
            preload
        case kvBytes = "kv_bytes"
        case kvType = "kv_type"
        case queueRequests = "queue_requests"
        case queueRequestsPerKey = "queue_requests_per_key"
        case queueTokens = "queue_tokens"
        case queueTokensPerKey = "queue_tokens_per_key"
        case queueTimeout = "queue_timeout"
        case keepAlive = "keep_alive"
        case variantOf = "variant_of"
        case temperature, system
        case topP = "top_p"
        case topK = "top_k"
        case minP = "min_p"
        case repeatPenalty = "repeat_penalty"
        case maxTokens = "max_tokens"
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
        weight = try container.number(forKey: .weight, in: SettingLimits.weight)
        keepAlive = try container.keepAlive(forKey: .keepAlive)
        pin = try container.decodeIfPresent(Bool.self, forKey: .pin)
        preload = try container.decodeIfPresent(Bool.self, forKey: .preload)
        variantOf = try container.decodeIfPresent(String.self, forKey: .variantOf)
        adapters = try container.decodeIfPresent(AdapterSettings.self, forKey: .adapters)
        self.requests = try Self.requests(in: container)
        if let name = try container.decodeIfPresent(String.self, forKey: .quantize) {
            quantize = WorkerLoadOptions.WeightType(name: name)
            guard quantize != nil else {
                throw SettingError(
                    path: (container.codingPath + [CodingKeys.quantize]).map(\.stringValue),
                    message: "must be Q8_0, Q6_K or Q4_K"
                )
            }
        }
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
        result.quantize = winner.quantize ?? quantize
        result.speculation = winner.speculation ?? speculation
        result.queueRequests = winner.queueRequests ?? queueRequests
        result.queueRequestsPerKey = winner.queueRequestsPerKey ?? queueRequestsPerKey
        result.queueTokens = winner.queueTokens ?? queueTokens
        result.queueTokensPerKey = winner.queueTokensPerKey ?? queueTokensPerKey
        result.queueTimeout = winner.queueTimeout ?? queueTimeout
        result.weight = winner.weight ?? weight
        result.keepAlive = winner.keepAlive ?? keepAlive
        result.pin = winner.pin ?? pin
        result.preload = winner.preload ?? preload
        result.variantOf = winner.variantOf ?? variantOf
        result.adapters = winner.adapters ?? adapters
        result.requests = winner.requests.completed(by: requests)
        return result
    }

    /// Whether nothing is said that concerns a worker: a variant has none of its own.
    var isAboutRequestsOnly: Bool {
        var rest = self
        rest.aliases = nil
        rest.variantOf = nil
        rest.requests = RequestDefaults()
        return rest == ModelEntrySettings()
    }

    private static func requests(
        in container: KeyedDecodingContainer<CodingKeys>
    ) throws -> RequestDefaults {
        var requests = RequestDefaults()
        requests.temperature = try container.number(
            forKey: .temperature,
            in: SettingLimits.temperature
        )
        requests.topP = try container.number(forKey: .topP, in: SettingLimits.probability)
        requests.topK = try container.integer(forKey: .topK, in: SettingLimits.topK)
        requests.minP = try container.number(forKey: .minP, in: SettingLimits.probability)
        requests.repeatPenalty = try container.number(
            forKey: .repeatPenalty,
            in: SettingLimits.repeatPenalty
        )
        requests.maximumOutputTokens = try container.integer(
            forKey: .maxTokens,
            in: SettingLimits.maxTokens
        )
        requests.system = try container.decodeIfPresent(String.self, forKey: .system)
        return requests
    }
}

extension KeyedDecodingContainer {
    /// Seconds as a number, or a duration as text; nil when the key is absent.
    fileprivate func keepAlive(forKey key: Key) throws -> KeepAlive? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        let value: KeepAlive?
        if let seconds = try? decode(Double.self, forKey: key) {
            value = KeepAlive(seconds: seconds)
        } else {
            value = (try? decode(String.self, forKey: key)).flatMap { KeepAlive($0) }
        }
        guard let value else {
            throw SettingError(
                path: (codingPath + [key]).map(\.stringValue),
                message: "must be \(SettingLimits.keepAliveForm)"
            )
        }
        return value
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
    /// As the weights of API keys.
    static let weight = 0.01...100.0
    /// Seconds.
    static let drainTimeout = 0...3600
    static let workerTimeout = 2...3600
    /// Bytes: 64 MiB, in which no model fits that is worth the name, to 1 PiB.
    static let memory = (64 << 20)...(1 << 50)
    /// Seconds.
    static let swapMaxWait = 1...86_400
    /// Seconds.
    static let minResidence = 0...86_400
    static let temperature = 0.0...2.0
    /// `top_p` and `min_p`.
    static let probability = 0.0...1.0
    /// Tokens; 0 and -1 mean all.
    static let topK = -1...Int(Int32.max)
    static let repeatPenalty = 0.01...100.0
    /// Tokens.
    static let maxTokens = 1...Int(Int32.max)
    /// How an idle time is written.
    static let keepAliveForm = "seconds, or a duration like \"5m\" or \"1h30m\"; -1 means for ever"
    /// The largest configuration file, in bytes.
    static let maximumFileByteCount = 1 << 20
}
