package import Kernels
package import KVCache
package import ModelFiles
package import Platform

/// A loaded model: packed weights and the program of its forward pass.
///
/// Confined to the engine thread after it was loaded. A token's logits depend on its sequence alone,
/// bit for bit: not on what else is in the batch, how the prompt is cut into batches, the number of
/// threads or the instruction set.
@safe
package final class Transformer {
    /// What a forward pass ends in for the tokens that are asked for.
    package enum Output: Sendable, Hashable {
        /// A score for each token of the vocabulary: ``Transformer/logits(row:)``.
        case logits
        /// The residual stream after the last norm: ``Transformer/hiddenState(row:)``.
        case hiddenStates
    }

    /// Where weights came from.
    package enum WeightSource: Sendable, Hashable {
        /// From the file of ``CachedWeights``, all of them.
        case cache
        /// From the model's file, at least in part; and why not from the cache, if there was one.
        case file(CachedWeights.Problem?)
    }

    /// The most tokens of one batch, those of parts (``ForwardBatch/Part``) not counted.
    package static let maximumBatchTokenCount = 512

    /// The hyper-parameters.
    package let configuration: ModelConfiguration
    /// Bytes of the packed weights.
    package let weightByteCount: Int
    /// What adapters may change.
    package let adapterTargets: AdapterTargets
    /// The most positions of a sequence: the context length that the model was loaded for.
    package let maximumPositionCount: Int
    /// Bytes of scratch memory, logits included: address space that large batches commit.
    package var workspaceByteCount: Int { program.workspaceByteCount }

    /// All packed matrices, for ``CachedWeightsWriter``.
    package let matrices: [PackedWeight]
    /// Where the weights came from.
    package let source: WeightSource

    let program: StepProgram
    private let head: PooledHead?
    /// The hidden states that the last batch's parts ended in, in the order of its rows.
    private var partedStates: [UnsafeBufferPointer<Float>] = unsafe []

    private init(
        configuration: ModelConfiguration,
        loader: WeightLoader,
        adapterTargets: AdapterTargets,
        maximumPositionCount: Int,
        program: StepProgram,
        head: PooledHead?
    ) {
        self.configuration = configuration
        weightByteCount = loader.packedByteCount
        matrices = loader.matrices
        source = loader.hasFoundAll ? .cache : .file(loader.problem)
        self.adapterTargets = adapterTargets
        self.maximumPositionCount = maximumPositionCount
        self.program = program
        self.head = head
    }

    /// Reads and packs the weights of `file` that are not cached, on all threads of `pool`.
    ///
    /// - Parameters:
    ///   - file: The open model. It isn't needed afterwards.
    ///   - cached: The weights as they were packed before; what it lacks is packed from the file.
    ///   - pool: The threads that load, and that will run the forward pass.
    ///   - output: What forward passes end in. A head that isn't needed isn't loaded.
    ///   - contextLength: The most positions of a sequence; nil is what the model was trained on.
    ///   - progress: Called on this thread with the fraction of bytes loaded, ascending to 1.
    /// - Returns: The model, ready to run.
    /// - Throws: `ModelError`, naming the key or tensor at fault.
    package static func load(
        _ file: GGUFFile,
        cached: CachedWeights? = nil,
        pool: KernelThreadPool,
        output: Output = .logits,
        contextLength: Int? = nil,
        progress: @escaping (Double) -> Void = { _ in }
    ) throws(ModelError) -> Transformer {
        let plan = try ModelPlan(file)
        guard output == .hiddenStates || plan.head != nil else {
            throw .generatesNothing(architecture: plan.configuration.architecture)
        }
        let loader = WeightLoader(
            file: file,
            cached: cached,
            pool: pool,
            totalByteCount: plan.byteCount(output),
            progress: progress
        )
        let positionCount = plan.configuration.positionCount(contextLength)
        let targets = AdapterTargets(plan, output)
        let builder = ProgramBuilder(
            plan: plan,
            output: output,
            loader: loader,
            targets: targets
        )
        let program = try builder.build(positionCount: positionCount, pool: pool)
        let head = try plan.pooledHead.map { head throws(ModelError) in
            try PooledHead(head, loader: loader)
        }
        return Transformer(
            configuration: plan.configuration,
            loader: loader,
            adapterTargets: targets,
            maximumPositionCount: positionCount,
            program: program,
            head: head
        )
    }

    /// Commits the scratch memory of ``memoryNeed(of:output:contextLength:threadCount:logitRowCount:)``
    /// now.
    package func commitScratch(logitRowCount: Int) {
        program.commitScratch(logitRowCount: logitRowCount)
    }

    /// Makes KV storage of `blockCount` blocks that fits this model.
    ///
    /// Keys and values of type `f16` are exact for all practical purposes; `q8` takes about half
    /// the memory, and half the bandwidth of attention. Models with biases on their keys want
    /// `q8Values` instead: see ``KVType``.
    package func makeStorage(
        blockCount: Int,
        type: KVType = .f16
    ) throws(SystemError) -> KVStorage {
        try KVStorage(
            layerCount: configuration.cacheLayerCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension,
            blockCount: blockCount,
            type: type
        )
    }

    /// Computes the batch's tokens: writes their keys and values to their blocks, and the logits
    /// that the entries ask for.
    ///
    /// Rows of entries with different adapters, and without, may be in one batch.
    ///
    /// The caller sees to it that the batch is not larger than it may be, each token in the
    /// vocabulary and below `maximumPositionCount`, and that no other entry writes the blocks that
    /// an entry's tokens lie in. Entries with parts come behind those without.
    package func forward(_ batch: ForwardBatch, cache: KVStorage) {
        precondition(
            cache.layerCount == configuration.cacheLayerCount
                && cache.keyValueHeadCount == configuration.keyValueHeadCount
                && cache.headDimension == configuration.headDimension,
            "the KV storage was made for this model"
        )
        for entry in batch.entries {
            precondition(
                entry.blockTable.allSatisfy { $0 >= 0 && $0 < cache.blockCount },
                "block tables name blocks of the storage"
            )
        }
        // Parts come first, since the others' hidden states stay where they are.
        let parts = batch.entries.drop { $0.part == nil }
        unsafe partedStates.removeAll(keepingCapacity: true)
        for entry in parts {
            compute(entry, cache: cache)
            unsafe partedStates += states(endedIn: entry, cache: cache)
        }
        program.beginBatch()
        for entry in batch.entries.prefix(batch.entries.count - parts.count) {
            program.append(
                tokens: entry.tokens,
                firstPosition: entry.firstPosition,
                blockTable: entry.blockTable,
                logitRowCount: entry.logitRowCount,
                selectsFirst: entry.logits == .first,
                adapter: entry.adapter?.factors
            )
        }
        // Safety: the tables were checked against the storage, which outlives the call.
        unsafe program.run(
            cache: cache.baseAddress,
            blockByteCount: cache.blockByteCount,
            format: Self.format(of: cache.type)
        )
    }

    static func format(of type: KVType) -> StepProgram.CacheFormat {
        switch type {
        case .f16: .words
        case .q8: .bytes
        case .q8Values: .byteValues
        }
    }

    /// The most threads of a forward pass.
    package var threadCount: Int { program.threadCount }

    /// What the forward passes since the last call spent their time on; see
    /// ``StepProgram/takeTimes()``.
    package func takeTimes() -> StepTimes { program.takeTimes() }

    /// Lends the threads of the last forward pass until the next one.
    ///
    /// Calls `body` on each with its number and how many they are, at most
    /// ``threadCount``, and returns when all calls have.
    package func onThreads(_ body: @Sendable (_ thread: Int, _ threadCount: Int) -> Void) {
        program.onThreads(body)
    }

    /// The logits of the last batch's logit row `row`, `[vocabularySize]`.
    ///
    /// They are valid until the next `forward`; the caller may change them in place. Only of a model
    /// that was loaded for logits.
    package func logits(row: Int) -> UnsafeMutableBufferPointer<Float> {
        unsafe program.logits(row: row)
    }

    /// The hidden state of the last batch's logit row `row`, `[embeddingLength]`.
    ///
    /// It is valid until the next `forward`, if it comes from a part as long as nobody else uses the
    /// entry's blocks. Only of a model that was loaded for hidden states.
    package func hiddenState(row: Int) -> UnsafeBufferPointer<Float> {
        let count = program.selectedRowCount
        return unsafe row < count
            ? program.hiddenState(row: row) : partedStates[row - count]
    }

    /// What stands behind the pooling of hidden states: a reranker's head makes one number of them, an
    /// embedder's projections another vector.
    ///
    /// - Parameter vector: `[embeddingLength]`.
    /// - Returns: The score before the logistic function, or the vector; the same one if there is no head.
    package func applyHead(to vector: [Float]) -> [Float] {
        head?.apply(to: vector) ?? vector
    }
}
