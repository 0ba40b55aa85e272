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
    /// Something about an adapter of a model.
    case adapter(AdapterFailure)
    /// The service is shutting down.
    case shuttingDown
    /// The caller's task was cancelled while it waited.
    case cancelled
}
