/// What a worker shall load, and with which bounds.
package struct WorkerLoadOptions: Sendable, Hashable {
    /// Path of the GGUF file (its first part if it is split).
    package var modelPath: String
    /// The most prompt and output tokens of a sequence; nil: what the model was trained for.
    ///
    /// A larger value than the trained one is lowered to it.
    package var contextLength: Int?
    /// Threads that compute; nil: the cores this process may use.
    package var threadCount: Int?
    /// Bytes for keys and values of all sequences together; nil: the worker's default, which
    /// ``ModelFacts/kvCapacityTokens`` states.
    ///
    /// The memory is committed when it is first used.
    package var kvByteCount: Int?
    /// Sequences computed at the same time, 1....
    package var maximumSequenceCount: Int
    /// Sequences that may wait for a place; more are refused as overloaded.
    package var maximumWaitingCount: Int

    /// Makes options; everything left out is the worker's choice.
    package init(
        modelPath: String,
        contextLength: Int? = nil,
        threadCount: Int? = nil,
        kvByteCount: Int? = nil,
        maximumSequenceCount: Int = 16,
        maximumWaitingCount: Int = 256
    ) {
        self.modelPath = modelPath
        self.contextLength = contextLength
        self.threadCount = threadCount
        self.kvByteCount = kvByteCount
        self.maximumSequenceCount = maximumSequenceCount
        self.maximumWaitingCount = maximumWaitingCount
    }
}
