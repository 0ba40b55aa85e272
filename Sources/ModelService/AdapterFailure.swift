package import WorkerProtocol

/// What is wrong with a wish for an adapter.
package enum AdapterFailure: Sendable, Hashable {
    /// The model is there, and has only these adapters.
    case unknown(model: String, name: String, adapters: [String])
    /// It does not fit the model, or is not where it was said to be.
    case unusable(message: String)
    /// It could not be attached for another reason than its file.
    case notAttached(GenerationFailure)
    /// The model has an adapter of this name, from that path.
    case exists(id: String, path: String)
    /// It is one of the configuration's, and is removed there.
    case isConfigured(id: String)
    /// The name is a model's, not an adapter's.
    case isModel(name: String)
    /// The model has as many adapters as it may have.
    case tooMany(model: String, maximumCount: Int)
}
