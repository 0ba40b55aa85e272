package import WorkerProtocol

/// Why the model service cannot give a lease.
package enum ModelServiceError: Error, Sendable, Hashable {
    /// No model has this name; nothing is wrong with the service.
    case unknownModel(name: String)
    /// More than one model begins with this name; the candidates' ids are listed.
    case ambiguousModel(name: String, candidates: [String])
    /// The model could not be loaded. It is not tried again before `retryAfter` is over.
    case loadFailed(model: String, message: String, retryAfter: Duration)
    /// The model does not fit into memory, now or ever; the plan says what is missing.
    case insufficientMemory(model: String, ResidencyPlan)
    /// The model is resident or loading with other options than those asked for.
    case otherOptions(model: String, contextLength: Int)
    /// The model was unloaded while a request waited for it.
    case unloaded(model: String)
    /// The machine has no memory left for further requests.
    case memoryPressure
    /// Too many requests wait for this model to load.
    case overloaded(model: String, retryAfter: Duration)
    /// The model is there, and has only these adapters.
    case unknownAdapter(model: String, name: String, adapters: [String])
    /// An adapter does not fit the model, or is not where it was said to be.
    case unusableAdapter(model: String, message: String)
    /// An adapter could not be attached for another reason than its file.
    case adapterNotAttached(model: String, GenerationFailure)
    /// The model has an adapter of this name, from that path.
    case adapterExists(id: String, path: String)
    /// The adapter is the configuration's; it is removed there.
    case adapterIsConfigured(id: String)
    /// The name is a model's, not an adapter's.
    case noAdapter(name: String)
    /// The model has as many adapters as it may have.
    case tooManyAdapters(model: String, maximumCount: Int)
    /// The service is shutting down.
    case shuttingDown
    /// The caller's task was cancelled while it waited.
    case cancelled
}
