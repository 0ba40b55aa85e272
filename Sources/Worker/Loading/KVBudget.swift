import Scheduling

/// How much of the keys and values is kept: a context length and a number of KV blocks.
struct KVBudget: Sendable, Hashable {
    /// The most prompt and output tokens of a sequence.
    let contextLength: Int
    /// KV blocks for all sequences together; they hold at least one of the context length.
    let blockCount: Int
    /// Blocks of a slab, the unit in which memory is asked for and returned.
    let slabBlockCount: Int
    /// Slabs that hold one sequence of the context length; they are never returned.
    let keptSlabCount: Int

    /// What the budget is made from.
    struct Wish: Sendable, Hashable {
        /// What the model was trained for, in tokens.
        var trainedContextLength: Int
        /// What was asked for, in tokens.
        var contextLength: Int?
        /// What was asked for, in bytes.
        var kvByteCount: Int?
        /// Sequences computed at the same time.
        var maximumSequenceCount: Int
        /// Bytes of one KV block.
        var blockByteCount: Int
        /// Positions of one KV block.
        var blockTokenCount: Int
        /// Memory that will still be free when the weights are loaded.
        var availableByteCount: Int
    }

    /// Decides what is kept.
    ///
    /// 1. The context length is the trained one, or a shorter one that was asked for. If none was
    ///    asked for, it is lowered until one sequence takes at most half of the free memory.
    /// 2. If bytes were asked for, they are the blocks, and the context length is lowered to what
    ///    they hold.
    /// 3. Otherwise there are blocks for every sequence at full length, but not more than a
    ///    quarter of the free memory, and never less than for one sequence.
    ///
    /// The memory is reserved only; what is never used is never committed.
    init(_ wish: Wish) {
        let blockTokens = max(1, wish.blockTokenCount)
        let blockBytes = max(1, wish.blockByteCount)
        let trained = max(1, wish.trainedContextLength)
        func blocks(_ tokens: Int) -> Int { (tokens + blockTokens - 1) / blockTokens }

        var context = max(1, min(trained, wish.contextLength ?? trained))
        if wish.contextLength == nil {
            let affordable = max(1, wish.availableByteCount / 2 / blockBytes)
            context = min(context, affordable * blockTokens)
        }
        if let byteCount = wish.kvByteCount {
            blockCount = min(max(1, byteCount / blockBytes), Self.maximumBlockCount)
            contextLength = min(context, blockCount * blockTokens)
        } else {
            let all = blocks(context) * max(1, wish.maximumSequenceCount)
            let affordable = wish.availableByteCount / 4 / blockBytes
            blockCount = min(max(blocks(context), min(all, affordable)), Self.maximumBlockCount)
            contextLength = min(context, blockCount * blockTokens)
        }
        // Slabs of about the usual size that one sequence fills: what is kept for it is all used.
        let usual = max(1, Self.slabByteCount / blockBytes)
        keptSlabCount = (blocks(contextLength) + usual - 1) / usual
        slabBlockCount = (blocks(contextLength) + keptSlabCount - 1) / keptSlabCount
    }

    /// The budget of an encoder: blocks for a step, and for the texts that are computed in parts.
    ///
    /// Each text of a step has a block that isn't full. One of those in parts always has its blocks,
    /// the others ask for them.
    ///
    /// - Parameters:
    ///   - contextLength: Tokens of the longest text.
    ///   - limits: What the scheduler plans.
    ///   - blockByteCount: Bytes of a block.
    ///   - blockTokenCount: Positions of a block.
    init(
        encoderContextLength contextLength: Int,
        _ limits: SchedulerLimits,
        blockByteCount: Int,
        blockTokenCount: Int
    ) {
        func blocks(_ tokens: Int) -> Int { (tokens + blockTokenCount - 1) / blockTokenCount }
        let text = blocks(contextLength)
        let kept = blocks(limits.stepTokenCount) + limits.runningCount + text
        let usual = max(1, Self.slabByteCount / max(1, blockByteCount))
        self.contextLength = contextLength
        keptSlabCount = (kept + usual - 1) / usual
        slabBlockCount = (kept + keptSlabCount - 1) / keptSlabCount
        let others = (limits.partedSequenceCount - 1) * text
        let slabCount = keptSlabCount + (others + slabBlockCount - 1) / slabBlockCount
        blockCount = slabCount * slabBlockCount
    }

    /// 16 MiB: small beside a model, large beside a page.
    private static let slabByteCount = 16 << 20

    /// A block id is an Int32.
    private static let maximumBlockCount = Int(Int32.max)
}
