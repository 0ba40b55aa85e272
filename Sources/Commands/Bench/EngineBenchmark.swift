import Kernels
import KVCache
import ModelFiles
import Platform
import Sampling
import Synchronization
import Transformers

/// Times the forward pass of one model: no HTTP, no worker, no tokenizer.
///
/// Confined to the thread that makes it.
struct EngineBenchmark {
    private let plan: BenchPlan
    private let transformer: Transformer
    private let storage: KVStorage
    private let blocksPerSequence: Int
    /// The tokens of the prompt: spread over the vocabulary, the same in each run.
    private let prompt: [Int32]
    private let loadSeconds: Double
    private let parameterCount: Int
    private let work: ModelWork
    private let instructionSet: InstructionSet
    private let sampler = Sampler(parameters: SamplingParameters(temperature: 0), seed: 0)
    /// One for each thread.
    private let workspaces: [SamplingWorkspace]
    /// What the machine could do at most when it was last looked at.
    private var limits = MachineLimits.unknown
    /// The best of all looks.
    private var bestLimits = MachineLimits.unknown

    /// Loads the model at `path`.
    init(path: String, plan: BenchPlan, progress: @escaping (Double) -> Void) throws {
        self.plan = plan
        instructionSet = try InstructionSet.selected()
        let start = MonotonicInstant.now()
        let file = try GGUFFile.open(path: path)
        let pool = try KernelThreadPool(
            threadCount: plan.threadCount,
            instructionSet: instructionSet
        )
        let positionCount = plan.promptTokenCount + plan.outputTokenCount
        transformer = try Transformer.load(
            file,
            pool: pool,
            contextLength: positionCount,
            progress: progress
        )
        loadSeconds = Self.seconds(since: start)
        parameterCount = file.tensors.reduce(0) { $0 + $1.elementCount }
        blocksPerSequence = (positionCount - 1) / KVStorage.blockTokenCount + 1
        storage = try transformer.makeStorage(
            blockCount: blocksPerSequence * (plan.batchSizes.max() ?? 1),
            type: plan.kvType
        )
        work = try ModelWork(
            file,
            transformer.configuration,
            positionByteCount: storage.blockByteCount / KVStorage.blockTokenCount
        )
        let vocabularySize = transformer.configuration.vocabularySize
        workspaces = (0..<plan.threadCount).map { _ in
            SamplingWorkspace(vocabularySize: vocabularySize)
        }
        prompt = (0..<plan.promptTokenCount).map { Int32(($0 * 7919 + 13) % vocabularySize) }
    }

    /// Runs every measurement of the plan; `note` says which one runs.
    mutating func measure(model: String, path: String, note: (String) -> Void) -> BenchReport {
        note("prefill")
        _ = prefill(sequence: 0)
        look()
        let prefill = timed(
            plan.promptTokenCount,
            work.prefill(tokenCount: plan.promptTokenCount)
        ) { $0.prefill(sequence: 0) }
        var decode: [(batchSize: Int, measurement: BenchReport.Measurement)] = []
        for batchSize in plan.batchSizes {
            note("decode, \(batchSize) side by side")
            // Sequences share the prompt's tokens but have blocks of their own, as in real use.
            for sequence in 1..<max(batchSize, 1) { copyPrompt(to: sequence) }
            let work = work.decode(
                batchSize: batchSize,
                tokenCount: plan.outputTokenCount,
                promptTokenCount: plan.promptTokenCount
            )
            let measurement = timed(batchSize * plan.outputTokenCount, work) {
                $0.decodeAll(batchSize: batchSize)
            }
            decode.append((batchSize, measurement))
        }
        return BenchReport(
            model: model,
            path: path,
            plan: plan,
            instructionSet: instructionSet.rawValue,
            parameterCount: parameterCount,
            work: work,
            loadSeconds: loadSeconds,
            weightByteCount: transformer.weightByteCount,
            kvByteCount: storage.blockByteCount * storage.blockCount,
            workspaceByteCount: transformer.workspaceByteCount,
            residentByteCount: ProcessMemory.residentByteCount(),
            prefill: prefill,
            decode: decode,
            limits: bestLimits
        )
    }

    /// Measures what the machine can do at this moment: hosts throttle, and others take their part.
    private mutating func look() {
        let look = MachineLimits.measured(
            types: work.types,
            threads: plan.threadCount,
            instructionSet: instructionSet
        )
        limits = look.mean
        bestLimits = bestLimits.orBetter(look.best)
    }

    /// Runs a measurement's runs, with a look at the machine behind each.
    ///
    /// - Parameters:
    ///   - tokenCount: Tokens of a run.
    ///   - work: What a run has to do.
    ///   - run: Returns the seconds that it took.
    /// - Returns: All of them, each with the machine's limits around it.
    private mutating func timed(
        _ tokenCount: Int,
        _ work: ModelWork.Total,
        _ run: (EngineBenchmark) -> Double
    ) -> BenchReport.Measurement {
        let runs = (0..<plan.repeatCount).map { _ in
            let before = limits
            _ = transformer.takeTimes()
            let seconds = run(self)
            let times = transformer.takeTimes()
            look()
            return BenchReport.Run(
                seconds: seconds,
                limits: before.averaged(with: limits),
                times: times
            )
        }
        return BenchReport.Measurement(tokenCount: tokenCount, work: work, runs: runs)
    }

    /// Computes the prompt of one sequence; returns the seconds it took.
    private func prefill(sequence: Int) -> Double {
        let start = MonotonicInstant.now()
        var position = 0
        while position < prompt.count {
            let end = min(position + Transformer.maximumBatchTokenCount, prompt.count)
            let entry = ForwardBatch.Entry(
                tokens: prompt[position..<end],
                firstPosition: position,
                blockTable: blockTable(of: sequence, positionCount: end),
                logits: end == prompt.count ? .last : .none
            )
            transformer.forward(ForwardBatch(entries: [entry]), cache: storage)
            position = end
        }
        return Self.seconds(since: start)
    }

    /// Gives another sequence the keys and values of the first one's prompt.
    private func copyPrompt(to sequence: Int) {
        let source = blockTable(of: 0, positionCount: prompt.count)
        let target = blockTable(of: sequence, positionCount: prompt.count)
        for (from, to) in zip(source, target) { storage.copyBlock(from: from, to: to) }
    }

    /// Decodes all output tokens of `batchSize` sequences, greedily; returns the seconds it took.
    private func decodeAll(batchSize: Int) -> Double {
        var tokens = [Int32](repeating: prompt[0], count: batchSize)
        let start = MonotonicInstant.now()
        for step in 0..<plan.outputTokenCount {
            let position = plan.promptTokenCount + step
            let entries = (0..<batchSize).map { sequence in
                ForwardBatch.Entry(
                    tokens: [tokens[sequence]],
                    firstPosition: position,
                    blockTable: blockTable(of: sequence, positionCount: position + 1),
                    logits: .last
                )
            }
            transformer.forward(ForwardBatch(entries: entries), cache: storage)
            tokens = likeliestTokens(count: batchSize)
        }
        return Self.seconds(since: start)
    }

    private func blockTable(of sequence: Int, positionCount: Int) -> [Int32] {
        let count = (positionCount - 1) / KVStorage.blockTokenCount + 1
        return (0..<count).map { Int32(sequence * blocksPerSequence + $0) }
    }

    /// Chooses the next token of each sequence, as the engine does.
    private func likeliestTokens(count: Int) -> [Int32] {
        let logits = LogitRows(of: transformer, count: count)
        let tokens = Mutex([Int32](repeating: 0, count: count))
        let (sampler, workspaces) = (sampler, workspaces)
        let choose: @Sendable (Int, Int) -> Void = { thread, threadCount in
            for row in stride(from: thread, to: count, by: threadCount) {
                // A model of random numbers may give logits that aren't finite: any token will do.
                let token = unsafe try? sampler.sample(
                    logits.rows[row],
                    position: 0,
                    workspace: workspaces[thread]
                )
                tokens.withLock { $0[row] = token ?? 0 }
            }
        }
        if count > 1 { transformer.onThreads(choose) } else { choose(0, 1) }
        return tokens.withLock { $0 }
    }

    // Safety: threads only read the rows, between two forward passes.
    /// The logits of a batch.
    @safe private struct LogitRows: @unchecked Sendable {
        /// [V] each.
        let rows: [UnsafeBufferPointer<Float>]

        init(of transformer: Transformer, count: Int) {
            // Safety: see above.
            unsafe rows = (0..<count).map {
                unsafe UnsafeBufferPointer(transformer.logits(row: $0))
            }
        }
    }

    private static func seconds(since start: MonotonicInstant) -> Double {
        Double(MonotonicInstant.now().duration(since: start).wholeNanoseconds) / 1e9
    }
}
