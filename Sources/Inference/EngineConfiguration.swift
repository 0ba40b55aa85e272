package import Scheduling
package import WorkerProtocol

/// The bounds of one engine.
package struct EngineConfiguration: Sendable, Hashable {
    /// The most prompt and output tokens of a sequence.
    package var contextLength: Int
    /// KV blocks there are; enough for one sequence of `contextLength`.
    package var blockCount: Int
    /// Blocks of a slab, the unit in which memory is asked for and returned.
    package var slabBlockCount: Int
    /// Slabs that may be used without asking and are never returned; they hold one sequence of
    /// `contextLength`.
    package var keptSlabCount: Int
    /// Bytes of a block.
    package var blockByteCount: Int
    /// How vectors or scores are made; nil: the model generates text.
    package var embedding: EmbeddingConfiguration?
    /// What the scheduler admits and plans.
    package var scheduler: SchedulerLimits
    /// The most stop strings of a request; 16 (OpenAI allows 4).
    package var maximumStopStringCount: Int
    /// The longest stop string, in bytes of UTF-8; 1024.
    package var maximumStopStringByteCount: Int

    /// What can be asked of the model.
    package var task: ModelTask { embedding?.task ?? .generate }

    /// Makes a configuration; everything left out has its default: one slab, which is kept.
    package init(
        contextLength: Int,
        blockCount: Int,
        slabBlockCount: Int? = nil,
        keptSlabCount: Int = 1,
        blockByteCount: Int = 1,
        embedding: EmbeddingConfiguration? = nil,
        scheduler: SchedulerLimits = SchedulerLimits(),
        maximumStopStringCount: Int = 16,
        maximumStopStringByteCount: Int = 1024
    ) {
        self.contextLength = contextLength
        self.blockCount = blockCount
        self.slabBlockCount = slabBlockCount ?? blockCount
        self.keptSlabCount = keptSlabCount
        self.blockByteCount = blockByteCount
        self.embedding = embedding
        self.scheduler = scheduler
        self.maximumStopStringCount = maximumStopStringCount
        self.maximumStopStringByteCount = maximumStopStringByteCount
    }
}
