/// What a worker will allocate for its model, in bytes, told before it does.
///
/// A worker computes it from the model file's header: nothing of it is an estimate.
package struct MemoryFootprint: Sendable, Hashable {
    /// The packed weights.
    package var weightByteCount: Int
    /// What of them lies in a file that is mapped: the system counts it among its caches, so that it
    /// seems to be available.
    package var mappedByteCount: Int
    /// Activations, logits and tables, once batches have been as large as they can be.
    package var scratchByteCount: Int
    /// The adapters that are loaded with the model; each gives its part back when it is detached.
    package var adapterByteCount: Int
    /// Keys and values that the worker may always use: those of one sequence of the context length.
    package var keptKVByteCount: Int
    /// Keys and values of all sequences at most; what is more than ``keptKVByteCount`` is asked for.
    package var maximumKVByteCount: Int
    /// Keys and values of one token.
    package var kvBytesPerToken: Int
    /// Prompt and output tokens that a sequence may have.
    package var contextLength: Int

    /// Makes a value; everything left out is 0.
    package init(
        weightByteCount: Int = 0,
        mappedByteCount: Int = 0,
        scratchByteCount: Int = 0,
        adapterByteCount: Int = 0,
        keptKVByteCount: Int = 0,
        maximumKVByteCount: Int = 0,
        kvBytesPerToken: Int = 0,
        contextLength: Int = 0
    ) {
        self.weightByteCount = weightByteCount
        self.mappedByteCount = mappedByteCount
        self.scratchByteCount = scratchByteCount
        self.adapterByteCount = adapterByteCount
        self.keptKVByteCount = keptKVByteCount
        self.maximumKVByteCount = maximumKVByteCount
        self.kvBytesPerToken = kvBytesPerToken
        self.contextLength = contextLength
    }

    /// What must be there before the worker may go on.
    ///
    /// A worker's figures are not trusted to be sane, so this saturates.
    package var byteCount: Int {
        [scratchByteCount, adapterByteCount, keptKVByteCount].reduce(weightByteCount) {
            sum,
            byteCount in
            let (next, overflows) = sum.addingReportingOverflow(byteCount)
            return overflows ? .max : next
        }
    }
}
