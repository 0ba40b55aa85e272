/// What a worker shall load, and with which bounds.
package struct WorkerLoadOptions: Sendable, Hashable {
    /// Path of the GGUF file (its first part if it is split), or of a Hugging Face folder.
    package var modelPath: String
    /// The files of a folder that the descriptors are for, by their names within it; empty: the model
    /// is a GGUF file.
    package var modelFileNames: [String]
    /// The open descriptors of the file, or of all parts in order, in the worker; empty: the worker
    /// opens ``modelPath`` itself, which one that has locked itself in cannot.
    package var modelDescriptors: [Int32]
    /// Open for reading: the weights as another worker of this model has packed them; nil: there are
    /// none.
    package var cachedWeights: Int32?
    /// Open for writing, and empty: where the packed weights go if ``cachedWeights`` are of no use; nil:
    /// they are not to be kept.
    package var cacheOutput: Int32?
    /// Adapters that are loaded with the model.
    ///
    /// One that does not fit is left out, and
    /// ``ModelFacts/adapters`` say why.
    package var adapters: [AdapterSource]
    /// Its seat in the table of compute turns that it got; nil: it computes without turns.
    package var turnSeat: Int?
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
    /// Bytes that all models together may take, by which a context length and an amount of keys and
    /// values are chosen that are not asked for; nil: what the machine has left.
    package var memoryByteCount: Int?
    /// Sequences computed at the same time, 1....
    package var maximumSequenceCount: Int
    /// What one key may have under way, and all keys together; more is refused as overloaded.
    package var queue: QueueLimits
    /// How keys and values are stored.
    package var kvType: KVType
    /// What matrices become while they are loaded; nil: they stay as they are stored.
    package var weightType: WeightType?
    /// Whether likely next tokens are guessed and checked several at a time, which never changes an
    /// output.
    package var speculation: Speculation

    /// How keys and values are stored.
    package enum KVType: UInt8, Sendable, Hashable, CaseIterable {
        /// Half-precision floats.
        case f16
        /// Bytes with scales: about half the memory.
        case q8
        /// Keys as half-precision floats, values as bytes: three quarters of the memory, for models
        /// whose keys do not survive eight bits.
        case q8Values

        /// As it is called in configurations.
        package var name: String {
            switch self {
            case .f16: "f16"
            case .q8: "q8"
            case .q8Values: "q8-values"
            }
        }
    }

    /// What matrices can become while they are loaded.
    package enum WeightType: UInt8, Sendable, Hashable, CaseIterable {
        /// Eight bits and a half a number.
        case q8_0
        /// Six bits and a half.
        case q6_K
        /// Four bits and a half.
        case q4_K

        /// As it is called in configurations, and by everybody.
        package var name: String {
            switch self {
            case .q8_0: "Q8_0"
            case .q6_K: "Q6_K"
            case .q4_K: "Q4_K"
            }
        }

        /// The type of a name, without regard to case.
        package init?(name: String) {
            let found = Self.allCases.first { $0.name.lowercased() == name.lowercased() }
            guard let found else { return nil }
            self = found
        }
    }

    /// When next tokens are guessed.
    package enum Speculation: UInt8, Sendable, Hashable, CaseIterable {
        /// Never.
        case off
        /// Where the measured cost of a step says that it pays.
        case automatic
    }

    /// Makes options; everything left out is the worker's choice.
    package init(
        modelPath: String,
        modelFileNames: [String] = [],
        modelDescriptors: [Int32] = [],
        cachedWeights: Int32? = nil,
        cacheOutput: Int32? = nil,
        adapters: [AdapterSource] = [],
        turnSeat: Int? = nil,
        contextLength: Int? = nil,
        threadCount: Int? = nil,
        kvByteCount: Int? = nil,
        memoryByteCount: Int? = nil,
        maximumSequenceCount: Int = 32,
        queue: QueueLimits = QueueLimits(),
        kvType: KVType = .f16,
        weightType: WeightType? = nil,
        speculation: Speculation = .automatic
    ) {
        self.modelPath = modelPath
        self.modelFileNames = modelFileNames
        self.modelDescriptors = modelDescriptors
        self.cachedWeights = cachedWeights
        self.cacheOutput = cacheOutput
        self.adapters = adapters
        self.turnSeat = turnSeat
        self.contextLength = contextLength
        self.threadCount = threadCount
        self.kvByteCount = kvByteCount
        self.memoryByteCount = memoryByteCount
        self.maximumSequenceCount = maximumSequenceCount
        self.queue = queue
        self.kvType = kvType
        self.weightType = weightType
        self.speculation = speculation
    }
}

/// How much may be under way in one worker, from submission to the last event.
package struct QueueLimits: Sendable, Hashable {
    /// Requests of all keys; 512.
    package var requestCount: Int
    /// Requests of one key; 256.
    package var requestCountPerKey: Int
    /// Prompt tokens of all keys; 4,194,304.
    package var tokenCount: Int
    /// Prompt tokens of one key; 2,097,152.
    package var tokenCountPerKey: Int

    /// Makes limits; everything left out has its default, and every value is at least 1.
    package init(
        requestCount: Int = 512,
        requestCountPerKey: Int = 256,
        tokenCount: Int = 4 << 20,
        tokenCountPerKey: Int = 2 << 20
    ) {
        self.requestCount = max(1, requestCount)
        self.requestCountPerKey = max(1, requestCountPerKey)
        self.tokenCount = max(1, tokenCount)
        self.tokenCountPerKey = max(1, tokenCountPerKey)
    }
}
