package import Platform

/// What the model service needs to know: where models are, how workers are started, and its limits.
package struct ModelServiceConfiguration: Sendable {
    /// Directories that are scanned for models, the first one wins when two hold the same name.
    package var directories: [String]
    /// Settings of single models; the key is a model's name as the catalog resolves it.
    package var models: [String: ModelConfigurationEntry]
    /// Names of models that are loaded when the service starts, besides those whose settings say so.
    package var preloaded: [String]
    /// Settings of every model without an own value.
    package var defaults: ModelConfigurationEntry
    /// Path of the executable that becomes a worker; the running executable in production.
    package var workerExecutable: String
    /// Arguments of the worker, without the executable's own name.
    package var workerArguments: [String]
    /// The worker's whole environment; nothing else of the gateway's is passed on.
    package var workerEnvironment: [String: String]
    /// The control group that is divided among the workers; nil: they stay in the gateway's.
    package var workerGroups: DelegatedGroup?
    /// Where packed weights are kept for the next load, and how many bytes of them; nil: nowhere.
    package var weightCache: (directory: String, capacity: Int)?
    /// Bytes that the workers' weights, keys and values may take together; nil: nine tenths of what
    /// is available when the service is made.
    package var memoryByteCount: Int?
    /// How memory is measured.
    package var gauge: MemoryGauge
    /// Whether workers look at models that nobody has asked for yet, to find those that can't be served.
    package var inspectsModels: Bool
    /// Bounds on time and memory.
    package var limits: ModelServiceLimits

    /// Makes a configuration; what is left out has its default value.
    package init(
        directories: [String],
        models: [String: ModelConfigurationEntry] = [:],
        preloaded: [String] = [],
        defaults: ModelConfigurationEntry = ModelConfigurationEntry(),
        workerExecutable: String,
        workerArguments: [String] = ["worker"],
        workerEnvironment: [String: String] = [:],
        workerGroups: DelegatedGroup? = nil,
        weightCache: (directory: String, capacity: Int)? = nil,
        memoryByteCount: Int? = nil,
        gauge: MemoryGauge = .machine,
        inspectsModels: Bool = false,
        limits: ModelServiceLimits = ModelServiceLimits()
    ) {
        self.directories = directories
        self.models = models
        self.preloaded = preloaded
        self.defaults = defaults
        self.workerExecutable = workerExecutable
        self.workerArguments = workerArguments
        self.workerEnvironment = workerEnvironment
        self.workerGroups = workerGroups
        self.weightCache = weightCache
        self.memoryByteCount = memoryByteCount
        self.gauge = gauge
        self.inspectsModels = inspectsModels
        self.limits = limits
    }
}
