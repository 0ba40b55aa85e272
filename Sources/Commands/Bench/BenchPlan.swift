import KVCache

/// What `torii bench` measures.
struct BenchPlan: Sendable, Equatable {
    /// Tokens of the prompt whose prefill is timed.
    var promptTokenCount = 512
    /// Tokens that each sequence decodes.
    var outputTokenCount = 128
    /// How many sequences decode side by side, one measurement each.
    var batchSizes = [1]
    /// Threads that compute.
    var threadCount: Int
    /// How keys and values are stored.
    var kvType = KVType.f16
    /// Runs of each measurement; the median counts.
    var repeatCount = 3
}
