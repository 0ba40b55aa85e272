/// What the model service needs to know: where models are, how workers are started, and its limits.
package struct ModelServiceConfiguration: Sendable {
    /// Directories that are scanned for models, the first one wins when two hold the same name.
    package var directories: [String]
    /// Settings of single models; the key is a model's name as the catalog resolves it.
    package var models: [String: ModelConfigurationEntry]
    /// Settings of every model without an own value.
    package var defaults: ModelConfigurationEntry
    /// Path of the executable that becomes a worker; the running executable in production.
    package var workerExecutable: String
    /// Arguments of the worker, without the executable's own name.
    package var workerArguments: [String]
    /// The worker's whole environment; nothing else of the gateway's is passed on.
    package var workerEnvironment: [String: String]
    /// Bounds on time and memory.
    package var limits: ModelServiceLimits

    /// Makes a configuration; what is left out has its default value.
    package init(
        directories: [String],
        models: [String: ModelConfigurationEntry] = [:],
        defaults: ModelConfigurationEntry = ModelConfigurationEntry(),
        workerExecutable: String,
        workerArguments: [String] = ["worker"],
        workerEnvironment: [String: String] = [:],
        limits: ModelServiceLimits = ModelServiceLimits()
    ) {
        self.directories = directories
        self.models = models
        self.defaults = defaults
        self.workerExecutable = workerExecutable
        self.workerArguments = workerArguments
        self.workerEnvironment = workerEnvironment
        self.limits = limits
    }
}

/// What the configuration says about one model; nil means the worker's own choice.
package struct ModelConfigurationEntry: Sendable, Hashable {
    /// Further names under which clients find the model, without regard to case.
    package var aliases: [String]
    /// The most prompt and output tokens of a sequence.
    package var contextLength: Int?
    /// Threads that compute.
    package var threadCount: Int?
    /// Bytes for the keys and values of all sequences together.
    package var kvByteCount: Int?
    /// Sequences computed at the same time, 1 or more.
    package var maximumSequenceCount: Int?

    /// Makes an entry that leaves everything to the worker.
    package init(
        aliases: [String] = [],
        contextLength: Int? = nil,
        threadCount: Int? = nil,
        kvByteCount: Int? = nil,
        maximumSequenceCount: Int? = nil
    ) {
        self.aliases = aliases
        self.contextLength = contextLength
        self.threadCount = threadCount
        self.kvByteCount = kvByteCount
        self.maximumSequenceCount = maximumSequenceCount
    }
}
