package import Inference
import KVCache
package import Kernels
import ModelFiles
import Platform
import Scheduling
import Tensors
package import Tokenizers
import Transformers
package import WorkerProtocol

/// A model in memory with everything an engine needs.
///
/// Confined to the thread that loads it, which becomes the engine thread.
package final class LoadedModel {
    /// What there is to know about it.
    package let facts: ModelFacts
    /// The weights together with the storage of keys and values.
    package let pass: TransformerPass
    /// The engine's bounds.
    package let configuration: EngineConfiguration
    /// The vocabulary.
    package let tokenizer: Tokenizer
    let encoder: PromptEncoder
    /// Those that come with it; planned, not loaded.
    let adapters: LoadedAdapters
    /// What adapters may change.
    let adapterTargets: AdapterTargets
    /// What the engine takes besides once a sequence has an adapter, in bytes.
    let adapterScratchByteCount: Int
    /// Its packed weights, and where they came from.
    let weights: ModelWeights

    private init(
        facts: ModelFacts,
        pass: TransformerPass,
        configuration: EngineConfiguration,
        encoder: PromptEncoder,
        adapters: LoadedAdapters,
        adapterTargets: AdapterTargets,
        adapterScratchByteCount: Int,
        weights: ModelWeights
    ) {
        self.facts = facts
        self.pass = pass
        self.configuration = configuration
        self.encoder = encoder
        self.adapters = adapters
        self.adapterTargets = adapterTargets
        self.adapterScratchByteCount = adapterScratchByteCount
        self.weights = weights
        tokenizer = encoder.tokenizer
    }

    /// Makes the engine of this model.
    package func makeEngine() -> Engine {
        Engine(
            configuration: configuration,
            tokenizer: tokenizer,
            vocabularySize: pass.vocabularySize
        )
    }

    /// Loads a model.
    ///
    /// - Parameters:
    ///   - options: What to load and with which bounds.
    ///   - instructionSet: The kernels to use.
    ///   - surroundings: What the process knows of the machine.
    ///   - reserve: Called on this thread with what will be allocated, before any of it is; returns
    ///     when that is allowed.
    ///   - progress: Called on this thread with the loaded fraction, ascending to 1.
    /// - Returns: The model, bound to this thread.
    /// - Throws: An error whose description says what is wrong and how to mend it.
    package static func load(
        _ options: WorkerLoadOptions,
        instructionSet: InstructionSet,
        surroundings: WorkerSurroundings,
        reserve: (MemoryFootprint) -> Void = { _ in },
        progress: @escaping (Double) -> Void = { _ in }
    ) throws -> LoadedModel {
        try load(
            options,
            adapters: options.adapters.map { AdapterFile(source: $0, descriptors: []) },
            instructionSet: instructionSet,
            surroundings: surroundings,
            reserve: reserve,
            progress: progress
        )
    }

    /// The same with adapters whose files are open.
    static func load(
        _ options: WorkerLoadOptions,
        adapters: [AdapterFile],
        instructionSet: InstructionSet,
        surroundings: WorkerSurroundings,
        reserve: (MemoryFootprint) -> Void,
        progress: @escaping (Double) -> Void
    ) throws -> LoadedModel {
        let file = try open(options)
        do {
            let model = try load(
                options,
                file,
                adapters,
                instructionSet,
                surroundings,
                reserve,
                progress
            )
            try file.checkUnchanged()
            return model
        } catch {
            // Whatever was wrong with it, that it changed under the reader's hands is the reason.
            try file.checkUnchanged()
            throw error
        }
    }

    private static func open(_ options: WorkerLoadOptions) throws -> GGUFFile {
        let file = try openStored(options)
        guard let type = options.weightType else { return file }
        return try file.quantized(to: type.tensorType)
    }

    private static func openStored(_ options: WorkerLoadOptions) throws -> GGUFFile {
        if options.modelDescriptors.isEmpty { return try GGUFFile.open(path: options.modelPath) }
        if !options.modelFileNames.isEmpty {
            return try GGUFFile.open(
                folder: options.modelPath,
                descriptors: zip(options.modelFileNames, options.modelDescriptors).map { ($0, $1) }
            )
        }
        return try GGUFFile.open(
            path: options.modelPath,
            descriptors: options.modelDescriptors
        )
    }

    private static func load(
        _ options: WorkerLoadOptions,
        _ file: GGUFFile,
        _ adapterFiles: [AdapterFile],
        _ instructionSet: InstructionSet,
        _ surroundings: WorkerSurroundings,
        _ reserve: (MemoryFootprint) -> Void,
        _ progress: @escaping (Double) -> Void
    ) throws -> LoadedModel {
        let shape = try ModelConfiguration(file)
        let encoder = try PromptEncoder(file.metadata)
        let purpose = try ModelPurpose(file, isEncoder: shape.isEncoder)
        let wish = wish(options, shape, file, surroundings)
        let limits = schedulerLimits(options, purpose, shape)
        let budget = budget(wish, shape, limits)
        let threadCount = min(512, max(1, options.threadCount ?? surroundings.coreCount))
        let targets = try AdapterTargets(of: file, output: purpose.output)
        let adapters = LoadedAdapters(adapterFiles, for: targets)
        let need = try Transformer.memoryNeed(
            of: file,
            output: purpose.output,
            contextLength: budget.contextLength,
            threadCount: threadCount,
            logitRowCount: plannedLogitRowCount
        )
        let vocabularySize = purpose.output == .logits ? encoder.tokenizer.vocabularySize : 0
        // A vocabulary takes several times its size while it is read.
        Heap.returnFreePages()
        let cached = OpenedWeightCache(options, file)
        var footprint = footprint(need, vocabularySize, threadCount, adapters, wish, budget)
        footprint.mappedByteCount = cached.weights?.byteCount ?? 0
        reserve(footprint)
        let threads = try KernelThreadPool(
            threadCount: threadCount,
            instructionSet: instructionSet
        )
        let transformer = try Transformer.load(
            file,
            cached: cached.weights,
            pool: threads,
            output: purpose.output,
            contextLength: budget.contextLength,
            progress: progress
        )
        transformer.commitScratch(logitRowCount: plannedLogitRowCount)
        let storage = try transformer.makeStorage(
            blockCount: budget.blockCount,
            type: storageType(options.kvType, shape)
        )
        var facts = facts(file, shape, encoder, budget, transformer, storage, limits, threads)
        facts.sandbox = "\(surroundings.sandbox)"
        facts.tasks = [purpose.task]
        facts.pooling = purpose.pooling?.name
        return LoadedModel(
            facts: facts,
            pass: TransformerPass(transformer: transformer, storage: storage),
            configuration: engineConfiguration(
                purpose,
                shape,
                budget,
                limits,
                blockByteCount: storage.blockByteCount
            ),
            encoder: encoder,
            adapters: adapters,
            adapterTargets: transformer.adapterTargets,
            adapterScratchByteCount: need.adapterScratchByteCount,
            weights: ModelWeights(transformer, cached)
        )
    }

    private static func engineConfiguration(
        _ purpose: ModelPurpose,
        _ shape: ModelConfiguration,
        _ budget: KVBudget,
        _ limits: SchedulerLimits,
        blockByteCount: Int
    ) -> EngineConfiguration {
        EngineConfiguration(
            contextLength: budget.contextLength,
            blockCount: budget.blockCount,
            slabBlockCount: budget.slabBlockCount,
            keptSlabCount: budget.keptSlabCount,
            blockByteCount: blockByteCount,
            embedding: purpose.pooling.map { pooling in
                EmbeddingConfiguration(
                    task: purpose.task,
                    pooling: pooling,
                    isEncoder: shape.isEncoder,
                    embeddingLength: shape.embeddingLength
                )
            },
            scheduler: limits
        )
    }

    /// Texts of an encoder are short, and many of them fill a step.
    private static let encoderSequenceCount = 128

    private static func schedulerLimits(
        _ options: WorkerLoadOptions,
        _ purpose: ModelPurpose,
        _ shape: ModelConfiguration
    ) -> SchedulerLimits {
        let isEncoder = shape.isEncoder
        let sequenceCount = isEncoder ? encoderSequenceCount : options.maximumSequenceCount
        return SchedulerLimits(
            layerCount: shape.layerCount,
            runningCount: min(max(1, sequenceCount), 256),
            queue: options.queue,
            guessesTokens: options.speculation == .automatic && purpose == .generation
        )
    }

    private static func budget(
        _ wish: KVBudget.Wish,
        _ shape: ModelConfiguration,
        _ limits: SchedulerLimits
    ) -> KVBudget {
        guard shape.isEncoder else { return KVBudget(wish) }
        return KVBudget(
            encoderContextLength: min(
                wish.contextLength ?? wish.trainedContextLength,
                wish.trainedContextLength
            ),
            limits,
            blockByteCount: wish.blockByteCount,
            blockTokenCount: wish.blockTokenCount
        )
    }

    /// The type that was asked for, but never bytes for keys with biases, which do not survive it
    /// (see `KVType`).
    private static func storageType(
        _ type: WorkerLoadOptions.KVType,
        _ shape: ModelConfiguration
    ) -> KVType {
        // An encoder's are in use for one layer of one step: there is nothing to spare.
        if shape.isEncoder { return .f16 }
        return switch type {
        case .f16: .f16
        case .q8: shape.hasKeyBiases ? .q8Values : .q8
        case .q8Values: .q8Values
        }
    }

    private static func wish(
        _ options: WorkerLoadOptions,
        _ shape: ModelConfiguration,
        _ file: GGUFFile,
        _ surroundings: WorkerSurroundings
    ) -> KVBudget.Wish {
        let weightByteCount = file.tensors.reduce(0) { $0 + $1.byteCount }
        return KVBudget.Wish(
            trainedContextLength: shape.contextLength,
            contextLength: options.contextLength,
            kvByteCount: options.kvByteCount,
            maximumSequenceCount: options.maximumSequenceCount,
            blockByteCount: KVStorage.blockByteCount(
                layerCount: shape.cacheLayerCount,
                keyValueHeadCount: shape.keyValueHeadCount,
                headDimension: shape.headDimension,
                type: storageType(options.kvType, shape)
            ),
            blockTokenCount: KVStorage.blockTokenCount,
            availableByteCount: max(
                0,
                (options.memoryByteCount ?? surroundings.availableByteCount) - weightByteCount
            )
        )
    }

    private static func footprint(
        _ need: Transformer.MemoryNeed,
        _ vocabularySize: Int,
        _ threadCount: Int,
        _ adapters: LoadedAdapters,
        _ wish: KVBudget.Wish,
        _ budget: KVBudget
    ) -> MemoryFootprint {
        let keptBlockCount = min(budget.keptSlabCount * budget.slabBlockCount, budget.blockCount)
        let maximumByteCount = budget.blockCount * wish.blockByteCount
        return MemoryFootprint(
            weightByteCount: need.weightByteCount,
            scratchByteCount: need.scratchByteCount
                + Engine.samplingByteCount(vocabularySize: vocabularySize, threadCount: threadCount)
                + workingByteCount
                + (adapters.isEmpty ? 0 : need.adapterScratchByteCount),
            adapterByteCount: adapters.byteCount,
            keptKVByteCount: AlignedBuffer.committedByteCount(
                first: keptBlockCount * wish.blockByteCount,
                of: maximumByteCount
            ),
            maximumKVByteCount: maximumByteCount,
            kvBytesPerToken: wish.blockByteCount / KVStorage.blockTokenCount,
            contextLength: budget.contextLength
        )
    }

    /// What a process touches of its program, its stacks and its heap only when it works: 0 to 5 MB with
    /// any architecture (`check-serving plan`).
    private static let workingByteCount = 2 << 20

    /// Tokens of a step that get logits: a row of each running sequence.
    ///
    /// Several clients at once that want log-probabilities of their prompts commit more, for a while.
    private static let plannedLogitRowCount = 32

    private static func facts(
        _ file: GGUFFile,
        _ shape: ModelConfiguration,
        _ encoder: PromptEncoder,
        _ budget: KVBudget,
        _ transformer: Transformer,
        _ storage: KVStorage,
        _ limits: SchedulerLimits,
        _ threads: KernelThreadPool
    ) -> ModelFacts {
        ModelFacts(
            architecture: shape.architecture,
            name: shape.name,
            parameterCount: ModelDescription.parameterCount(of: file),
            quantization: ModelDescription.quantization(of: file),
            contextLength: budget.contextLength,
            trainedContextLength: shape.contextLength,
            vocabularySize: shape.vocabularySize,
            embeddingLength: shape.embeddingLength,
            layerCount: shape.layerCount,
            weightByteCount: transformer.weightByteCount,
            kvBytesPerToken: storage.blockByteCount / KVStorage.blockTokenCount,
            kvCapacityTokens: budget.blockCount * KVStorage.blockTokenCount,
            maximumSequenceCount: limits.runningCount,
            threadCount: threads.threadCount,
            instructionSet: threads.instructionSet.rawValue,
            chatTemplate: encoder.templateSource,
            templateCapabilities: encoder.templateCapabilities,
            license: ModelDescription.license(of: file),
            beginningTokenText: encoder.beginningTokenText,
            endTokenText: encoder.endTokenText
        )
    }
}

extension WorkerLoadOptions.WeightType {
    /// The same as files name it.
    fileprivate var tensorType: TensorType {
        switch self {
        case .q8_0: .q8_0
        case .q6_K: .q6_K
        case .q4_K: .q4_K
        }
    }
}
