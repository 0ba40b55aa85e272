package import WorkerProtocol

/// What the configuration says about one model; nil means the worker's own choice.
package struct ModelConfigurationEntry: Sendable, Hashable {
    /// Further names under which clients find the model, without regard to case.
    package var aliases: [String]
    /// The name of the model that this is a variant of; nil for a model of its own.
    ///
    /// A variant is another name with own defaults of requests, served by that model's worker.
    package var variantOf: String?
    /// What requests are taken to say where they say nothing.
    package var requests: RequestDefaults
    /// What can be added to the model's weights, each under a name of its own; a model's own.
    package var adapters: [AdapterSetting]
    /// The most prompt and output tokens of a sequence.
    package var contextLength: Int?
    /// Threads that compute.
    package var threadCount: Int?
    /// Bytes for the keys and values of all sequences together.
    package var kvByteCount: Int?
    /// Sequences computed at the same time, 1 or more.
    package var maximumSequenceCount: Int?
    /// How keys and values are stored.
    package var kvType: WorkerLoadOptions.KVType?
    /// What matrices become while they are loaded.
    package var weightType: WorkerLoadOptions.WeightType?
    /// When next tokens are guessed.
    package var speculation: WorkerLoadOptions.Speculation?
    /// How much may wait, and how long.
    package var queue: QueueSettings
    /// The model's share of the compute time beside other models that compute, 1 by default.
    package var computeWeight: Double?
    /// How long the model may be idle before it is unloaded.
    package var keepAlive: KeepAlive?
    /// Whether the model never goes for the sake of others, or of the time.
    package var isPinned: Bool?
    /// Whether the model is loaded when the service starts.
    package var isPreloaded: Bool?

    /// Makes an entry that leaves everything to the worker.
    package init(
        aliases: [String] = [],
        variantOf: String? = nil,
        requests: RequestDefaults = RequestDefaults(),
        adapters: [AdapterSetting] = [],
        contextLength: Int? = nil,
        threadCount: Int? = nil,
        kvByteCount: Int? = nil,
        maximumSequenceCount: Int? = nil,
        kvType: WorkerLoadOptions.KVType? = nil,
        weightType: WorkerLoadOptions.WeightType? = nil,
        speculation: WorkerLoadOptions.Speculation? = nil,
        queue: QueueSettings = QueueSettings(),
        computeWeight: Double? = nil,
        keepAlive: KeepAlive? = nil,
        isPinned: Bool? = nil,
        isPreloaded: Bool? = nil
    ) {
        self.aliases = aliases
        self.variantOf = variantOf
        self.requests = requests
        self.adapters = adapters
        self.contextLength = contextLength
        self.threadCount = threadCount
        self.kvByteCount = kvByteCount
        self.maximumSequenceCount = maximumSequenceCount
        self.kvType = kvType
        self.weightType = weightType
        self.speculation = speculation
        self.queue = queue
        self.computeWeight = computeWeight
        self.keepAlive = keepAlive
        self.isPinned = isPinned
        self.isPreloaded = isPreloaded
    }

    /// The share of the compute time in thousandths.
    var computeThousandths: UInt32 {
        UInt32(clamping: Int(((computeWeight ?? 1) * 1000).rounded()))
    }

    /// Whether a worker that was started with these settings serves a model with `other` as well.
    func startsAlike(_ other: ModelConfigurationEntry) -> Bool {
        contextLength == other.contextLength && threadCount == other.threadCount
            && kvByteCount == other.kvByteCount
            && maximumSequenceCount == other.maximumSequenceCount && kvType == other.kvType
            && weightType == other.weightType && speculation == other.speculation
            && queue.limits == other.queue.limits
    }

    /// These settings, with those of `defaults` where they say nothing; aliases and adapters are a
    /// model's own.
    func completed(by defaults: ModelConfigurationEntry) -> ModelConfigurationEntry {
        var result = self
        result.requests = requests.completed(by: defaults.requests)
        result.contextLength = contextLength ?? defaults.contextLength
        result.threadCount = threadCount ?? defaults.threadCount
        result.kvByteCount = kvByteCount ?? defaults.kvByteCount
        result.maximumSequenceCount = maximumSequenceCount ?? defaults.maximumSequenceCount
        result.kvType = kvType ?? defaults.kvType
        result.weightType = weightType ?? defaults.weightType
        result.speculation = speculation ?? defaults.speculation
        result.queue = queue.completed(by: defaults.queue)
        result.computeWeight = computeWeight ?? defaults.computeWeight
        result.keepAlive = keepAlive ?? defaults.keepAlive
        result.isPinned = isPinned ?? defaults.isPinned
        result.isPreloaded = isPreloaded ?? defaults.isPreloaded
        return result
    }
}

/// What the configuration says about a model's queue; nil means the default.
package struct QueueSettings: Sendable, Hashable {
    /// Requests of all keys under way, from submission to the last event.
    package var requestCount: Int?
    /// Requests of one key under way.
    package var requestCountPerKey: Int?
    /// Prompt tokens of all keys under way.
    package var tokenCount: Int?
    /// Prompt tokens of one key under way.
    package var tokenCountPerKey: Int?
    /// How long a request may wait for its first step.
    package var timeout: Duration?

    /// Makes settings that say what is given.
    package init(
        requestCount: Int? = nil,
        requestCountPerKey: Int? = nil,
        tokenCount: Int? = nil,
        tokenCountPerKey: Int? = nil,
        timeout: Duration? = nil
    ) {
        self.requestCount = requestCount
        self.requestCountPerKey = requestCountPerKey
        self.tokenCount = tokenCount
        self.tokenCountPerKey = tokenCountPerKey
        self.timeout = timeout
    }

    func completed(by defaults: QueueSettings) -> QueueSettings {
        QueueSettings(
            requestCount: requestCount ?? defaults.requestCount,
            requestCountPerKey: requestCountPerKey ?? defaults.requestCountPerKey,
            tokenCount: tokenCount ?? defaults.tokenCount,
            tokenCountPerKey: tokenCountPerKey ?? defaults.tokenCountPerKey,
            timeout: timeout ?? defaults.timeout
        )
    }

    /// The bounds for the worker.
    var limits: QueueLimits {
        let standard = QueueLimits()
        return QueueLimits(
            requestCount: requestCount ?? standard.requestCount,
            requestCountPerKey: requestCountPerKey ?? standard.requestCountPerKey,
            tokenCount: tokenCount ?? standard.tokenCount,
            tokenCountPerKey: tokenCountPerKey ?? standard.tokenCountPerKey
        )
    }
}
