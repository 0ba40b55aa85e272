package import WorkerProtocol

/// What a model takes: what its worker will allocate, and the worker itself.
package struct MemoryNeed: Sendable, Hashable {
    /// Computed by the worker from the model file's header.
    package let footprint: MemoryFootprint
    /// The process with its tokenizer and template, measured before it allocated anything else.
    package let overheadByteCount: Int

    /// All of it.
    package var byteCount: Int {
        let (sum, overflows) = footprint.byteCount.addingReportingOverflow(overheadByteCount)
        return overflows ? .max : sum
    }
}
