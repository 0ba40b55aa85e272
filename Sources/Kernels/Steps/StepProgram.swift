import CKernels
package import Platform

/// The forward pass of one model as a flat array of steps that the C interpreter runs.
///
/// Built once: an embedding, the layers in order, then the head or, for embeddings, the final norm.
/// Then, for each step of the engine: `beginBatch`, `append` for each sequence, `run`, and read
/// `logits` or `hiddenState`. Nothing is allocated in a run. Confined to the engine thread.
@safe
package final class StepProgram {
    /// The dimensions that all steps share.
    package let shape: Shape

    let workspace: StepWorkspace
    let batch: StepBatch
    private let rotaries: [RotaryTable]
    private let pool: KernelThreadPool
    private var steps: [torii_step] = unsafe []
    /// Where each layer has stored its keys and values: numbers of steps, one for each layer.
    var layerPauses: [Int] = []
    /// Views of the packed matrices, at fixed addresses: the steps point to them.
    private var matrixViews: [UnsafeMutablePointer<torii_matrix>] = unsafe []
    /// How rows find their experts, likewise; one for all layers, which take turns.
    let routing: UnsafeMutablePointer<torii_routing>
    /// Views of the rotary tables, likewise.
    private let rotaryViews: UnsafeMutablePointer<torii_rotary>
    /// What the steps point into.
    private var owners: [AnyObject] = []
    /// Products that adapters may add to.
    var placeCount = 0
    /// Whether some step reads its rows as floats.
    var readsValues = false
    /// What each thread of the pool has spent, once somebody asks.
    private var threadTimes: UnsafeMutableBufferPointer<torii_thread_times>?
    /// How many threads take part in steps of few rows.
    private var threadCounts: ThreadCountPolicy
    /// Threads that took part in the last run, or all if there was none.
    private var activeThreadCount: Int

    /// An empty program that will run on `pool`.
    ///
    /// - Parameters:
    ///   - shape: The model's dimensions.
    ///   - positionCount: The most positions of a sequence.
    ///   - rotaries: The rotary tables that layers choose from, each with that many positions.
    ///   - pool: The threads; their number and instruction set are fixed for the program.
    /// - Throws: ENOMEM if the scratch memory cannot be had.
    package init(
        shape: Shape,
        positionCount: Int,
        rotaries: [RotaryTable],
        pool: KernelThreadPool
    ) throws(SystemError) {
        precondition(
            shape.headDimension % Int(TORII_KEY_LANES) == 0
                && shape.headDimension <= Int(TORII_HEAD_DIMENSION_MAX)
                && shape.headCount % shape.keyValueHeadCount == 0,
            "the head dimension suits the kernels and the groups of heads are even"
        )
        precondition(
            rotaries.allSatisfy {
                $0.dimensionCount <= shape.headDimension && $0.positionCount >= positionCount
            },
            "rotary tables turn a head's dimensions, at every position"
        )
        self.shape = shape
        self.rotaries = rotaries
        self.pool = pool
        threadCounts = ThreadCountPolicy(limit: pool.threadCount)
        activeThreadCount = pool.threadCount
        workspace = try StepWorkspace(shape: shape, threadCount: pool.threadCount)
        batch = try StepBatch(
            maximumRowCount: shape.maximumRowCount,
            positionCount: positionCount
        )
        unsafe routing = .allocate(capacity: 1)
        unsafe routing.initialize(to: workspace.routing(shape.experts))
        unsafe rotaryViews = .allocate(capacity: max(1, rotaries.count))
        for (index, rotary) in rotaries.enumerated() {
            // Safety: the table's arrays live as long as the table, which `self` keeps.
            unsafe (rotaryViews + index).initialize(to: rotary.view)
        }
    }

    deinit {
        // Safety: each was allocated by `view(of:)` or `init`, and no run is under way.
        unsafe matrixViews.forEach { unsafe $0.deallocate() }
        unsafe threadTimes?.deallocate()
        unsafe rotaryViews.deallocate()
        unsafe routing.deallocate()
    }

    /// Bytes of address space of the scratch memory.
    package var workspaceByteCount: Int { workspace.byteCount }

    /// Commits the scratch memory that batches will use, as ``committedByteCount`` has it: so it is
    /// there when the model is, and no batch waits for pages to be cleared.
    ///
    /// - Parameter logitRowCount: The most tokens of a batch that usually get logits. Memory for more
    ///   is given back once it has not been used for some time.
    package func commitScratch(logitRowCount: Int) {
        workspace.commit(logitRowCount: logitRowCount, withValues: readsValues)
    }

    /// The bytes that a program will commit besides weights, for plans made before there is one.
    ///
    /// - Parameters:
    ///   - shape: The model's dimensions.
    ///   - rotaryByteCount: Bytes of all rotary tables: see ``RotaryTable/byteCount``.
    ///   - threadCount: Threads of the pool.
    ///   - logitRowCount: The most tokens of a batch that get logits.
    ///   - readsValues: Whether some product reads its rows as floats.
    /// - Returns: Bytes.
    package static func committedByteCount(
        shape: Shape,
        rotaryByteCount: Int,
        threadCount: Int,
        logitRowCount: Int,
        readsValues: Bool
    ) -> Int {
        StepWorkspace.committedByteCount(
            shape: shape,
            threadCount: threadCount,
            logitRowCount: logitRowCount,
            readsValues: readsValues
        ) + rotaryByteCount
    }

    /// The bytes that a program will commit besides once rows have adapters, whatever those are.
    ///
    /// Parameters as those of ``committedByteCount(shape:rotaryByteCount:threadCount:logitRowCount:readsValues:)``.
    package static func adapterByteCount(shape: Shape, readsValues: Bool) -> Int {
        StepWorkspace.adapterByteCount(shape: shape, readsValues: readsValues)
    }

    func append(_ step: torii_step) {
        unsafe steps.append(step)
    }

    var stepCount: Int { unsafe steps.count }

    /// A stable view of `matrix`, which the program keeps alive.
    func view(of matrix: PackedMatrix) -> UnsafePointer<torii_matrix> {
        let view = UnsafeMutablePointer<torii_matrix>.allocate(capacity: 1)
        // Safety: the view points into buffers that `matrix` owns, and `owners` keeps it.
        unsafe matrix.withMatrix { unsafe view.initialize(to: $0) }
        unsafe matrixViews.append(view)
        owners.append(matrix)
        return unsafe UnsafePointer(view)
    }

    /// The address of `vector`, which the program keeps alive.
    func address(of vector: FloatVector) -> UnsafePointer<Float> {
        owners.append(vector)
        return unsafe UnsafePointer(vector.storage)
    }

    /// The address of the columns of `order`, which the program keeps alive.
    func address(of order: ColumnOrder) -> UnsafePointer<Int32> {
        owners.append(order)
        return unsafe UnsafePointer(order.storage)
    }

    /// The address of rotary table `index`.
    func rotary(_ index: Int) -> UnsafePointer<torii_rotary> {
        precondition(rotaries.indices.contains(index), "a layer's rotary table is the program's")
        // Safety: `rotaryViews` has one view for each table, as long as `self` lives.
        return unsafe UnsafePointer(rotaryViews + index)
    }

    /// Empties the batch.
    package func beginBatch() {
        batch.removeAll()
    }

    /// Adds consecutive tokens of one sequence as the next rows.
    ///
    /// - Parameters:
    ///   - tokens: In `0 ..< vocabularySize`, not empty.
    ///   - firstPosition: The position of the first.
    ///   - positionCount: Positions of the sequence that have keys and values once these tokens have
    ///     theirs; nil: up to the last of these.
    ///   - blockTable: The KV block of each 32 positions of these.
    ///   - logitRowCount: The last so many tokens are selected: they get logits or hidden states.
    ///   - selectsFirst: Whether the first so many are instead.
    ///   - adapter: What is added to the products of these rows alone; made for this program's
    ///     places. It is kept until the batch has been run.
    package func append(
        tokens: ArraySlice<Int32>,
        firstPosition: Int,
        positionCount: Int? = nil,
        blockTable: [Int32],
        logitRowCount: Int,
        selectsFirst: Bool = false,
        adapter: StepAdapter? = nil
    ) {
        precondition(
            adapter.map { $0.placeCount == placeCount } ?? true,
            "an adapter was made for this program"
        )
        let positionCount = positionCount ?? firstPosition + tokens.count
        for rotary in rotaries { rotary.reserve(positions: positionCount) }
        batch.append(
            tokens: tokens,
            firstPosition: firstPosition,
            positionCount: positionCount,
            blockTable: blockTable,
            selectedCount: logitRowCount,
            selectsFirst: selectsFirst,
            adapter: adapter,
            vocabularySize: shape.vocabularySize
        )
    }

    /// Computes the batch: writes keys and values to the blocks, and the logits.
    ///
    /// - Parameters:
    ///   - cache: The KV blocks, all that the block tables name.
    ///   - blockByteCount: Bytes from block to block.
    ///   - format: How the blocks hold keys and values.
    package func run(
        cache: UnsafeMutableRawPointer,
        blockByteCount: Int,
        format: CacheFormat
    ) {
        let all = unsafe 0..<steps.count
        unsafe run(all, cache: cache, blockByteCount: blockByteCount, format: format)
    }

    /// Runs some of the steps over the batch.
    func run(
        _ range: Range<Int>,
        cache: UnsafeMutableRawPointer,
        blockByteCount: Int,
        format: CacheFormat
    ) {
        guard batch.rowCount > 0 else { return }
        defer { batch.releaseAdapters() }
        precondition(
            blockByteCount > 0 && blockByteCount % layerByteCount(format) == 0,
            "a block holds whole layers as the kernels lay them out"
        )
        let vector = unsafe torii_vector_kernels_for(pool.instructionSet.cValue)
        let matmul = unsafe torii_matmul_for(pool.instructionSet.cValue)
        var descriptor = unsafe batch.descriptor
        unsafe descriptor.cache = cache.assumingMemoryBound(to: UInt8.self)
        unsafe descriptor.block_stride = blockByteCount
        unsafe descriptor.cache_type = format.cValue
        // Many rows have few barriers for their work: a thread that is held up holds up little of it.
        let areFew = range.count == stepCount && batch.rowCount < Int(TORII_SHARED_ROWS)
        activeThreadCount = areFew ? threadCounts.threadCount : pool.threadCount
        // Safety: the program's pointers live as long as `self`, and the run ends before this call.
        let times = unsafe steps.withUnsafeBufferPointer { steps in
            var program = unsafe torii_program(
                steps: steps.baseAddress.map { unsafe $0 + range.lowerBound },
                step_count: Int32(range.count),
                vector: vector,
                matmul: matmul,
                embedding_length: Int32(shape.embeddingLength),
                head_count: Int32(shape.headCount),
                key_value_head_count: Int32(shape.keyValueHeadCount),
                head_dimension: Int32(shape.headDimension),
                norm_epsilon: shape.normEpsilon,
                residual: workspace.residual,
                selected_residual: workspace.selectedResidual,
                shared_activations: workspace.sharedActivations,
                shared_values: workspace.sharedValues,
                shared_remainders: workspace.sharedRemainders,
                private_activations: workspace.privateActivations,
                private_stride: workspace.privatePiece.byteCount,
                private_values_offset: workspace.privatePiece.values,
                private_remainders_offset: workspace.privatePiece.remainders,
                private_row_offset: workspace.privatePiece.row,
                // Feed-forward layers, parallel ones too, begin behind the attention step.
                attention_pieces: workspace.gate,
                attention_piece_floats: workspace.gateCount,
                low_ranks: workspace.lowRanks,
                times: threadTimes?.baseAddress
            )
            return unsafe torii_program_run(
                &program,
                &descriptor,
                pool.pool,
                Int32(activeThreadCount)
            )
        }
        if areFew {
            threadCounts.record(
                .init(rowCount: batch.rowCount, logitRowCount: batch.selectedCount),
                elapsed: .nanoseconds(times.elapsed_nanoseconds),
                lost: .nanoseconds(times.lost_nanoseconds),
                now: .now()
            )
        }
        workspace.noteLogitRows(batch.selectedCount)
    }

    /// What the runs since the last call spent their time on, all threads together.
    ///
    /// From the first call on, which returns zeros, runs look at the clock at every barrier.
    package func takeTimes() -> StepTimes {
        if unsafe threadTimes == nil {
            unsafe threadTimes = .allocate(capacity: pool.threadCount)
            unsafe threadTimes?.initialize(repeating: torii_thread_times())
        }
        // Safety: a run's threads are done with their times when it returns.
        let total = unsafe threadTimes?.reduce(StepTimes.zero) { $0 + StepTimes($1) }
        unsafe threadTimes?.update(repeating: torii_thread_times())
        return total ?? .zero
    }

    /// The most threads of a run.
    package var threadCount: Int { pool.threadCount }

    /// Calls `body` on the threads that took part in the last run; see
    /// ``KernelThreadPool/run(threadCount:_:)``.
    package func onThreads(_ body: @Sendable (_ thread: Int, _ threadCount: Int) -> Void) {
        pool.run(threadCount: activeThreadCount, body)
    }

    /// The logits of the batch's logit row `row`, `[V]`; valid until the next run.
    ///
    /// Only of a program that ends in logits.
    package func logits(row: Int) -> UnsafeMutableBufferPointer<Float> {
        precondition(shape.hasLogits, "the program ends in logits")
        precondition((0..<batch.selectedCount).contains(row), "the batch has this logit row")
        // Safety: the workspace holds maximumRowCount rows of logits.
        return unsafe UnsafeMutableBufferPointer(
            start: workspace.logits + row * shape.vocabularySize,
            count: shape.vocabularySize
        )
    }

    /// Rows of the batch that the last run has selected.
    package var selectedRowCount: Int { batch.selectedCount }

    /// What the program ends in for the batch's logit row `row`, `[E]`; valid until the next run.
    ///
    /// Only of a program that ends in hidden states.
    package func hiddenState(row: Int) -> UnsafeBufferPointer<Float> {
        precondition(!shape.hasLogits, "the program ends in hidden states")
        precondition((0..<batch.selectedCount).contains(row), "the batch has this row")
        // Safety: the workspace holds maximumRowCount rows of selected residuals.
        return unsafe UnsafeBufferPointer(
            start: workspace.selectedResidual + row * shape.embeddingLength,
            count: shape.embeddingLength
        )
    }
}
