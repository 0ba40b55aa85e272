/// What a worker tells the gateway.
///
/// The gateway treats its bytes as untrusted.
///
/// `hello` comes first and once; its serialized form never changes between versions.
package enum WorkerMessage: Sendable, Hashable {
    /// The worker speaks this version; the gateway ends a worker of another version.
    case hello(protocolVersion: UInt32)
    /// What the model will take; the first answer to `load`. The worker waits for `memoryReserved`
    /// before it allocates any of it.
    case footprint(MemoryFootprint)
    /// How much of the model is loaded, 0...1.
    case loading(fraction: Double)
    /// The model can do what its facts say.
    case ready(ModelFacts)
    /// The packed weights were written to the file that was given for them.
    case weightsCached
    /// The model cannot be loaded; the worker ends after this message.
    case loadFailed(message: String)
    /// Something happened to a generation or an embedding.
    case event(id: UInt64, GenerationEvent)
    /// The answer to `tokenize`.
    case tokens(id: UInt64, [Int32])
    /// The answer to the question of that name: the bytes of each token, of a control token those of
    /// its name.
    case pieces(id: UInt64, [[UInt8]])
    /// The answer to `detokenize` and `applyTemplate`.
    case text(id: UInt64, String)
    /// The answer to `countTokens`.
    case tokenCount(id: UInt64, Int)
    /// The answer to a question that cannot be answered.
    case requestFailed(id: UInt64, GenerationFailure)
    /// The worker lives; sent about once a second, also while it loads.
    case heartbeat(WorkerStatus)
    /// The engine wants memory for keys and values; answered by `memoryGranted`. One at a time.
    case memoryWanted(byteCount: Int)
    /// What an adapter will take; answered by `adapterReserved`.
    case adapterSized(id: UInt64, byteCount: Int)
    /// The adapter can be asked for.
    case adapterAttached(id: UInt64, AdapterFacts)
    /// Memory that was granted has been given back to the system.
    case memoryReturned(byteCount: Int)
}

/// The version of the messages between gateway and worker, and of nothing else.
package enum WorkerProtocolVersion {
    /// Raised with every change to a message's serialized form.
    ///
    /// Gateway and worker are the same executable; they differ only if the file was replaced while
    /// the gateway ran.
    package static let current: UInt32 = 9
}
