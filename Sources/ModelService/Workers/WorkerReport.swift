import WorkerProtocol

/// What a worker's supervisor tells the model service, in this order.
enum WorkerReport: Sendable {
    /// What the model will take, and what the process takes without it; it waits for memory.
    case sized(MemoryFootprint, overheadByteCount: Int)
    /// The worker's cache gave back what it could.
    case memoryReturned
    /// How much of the model is loaded, 0...1.
    case loading(fraction: Double)
    /// The model can generate.
    case ready(ModelFacts)
    /// The worker says that it cannot load the model.
    case loadFailed(message: String)
    /// The process is gone and everything it owed has been failed. Always the last report.
    ///
    /// If the worker could not load the model or died by itself, with why that was.
    case ended(reason: String, failure: WorkerFailure?)
}
