/// What a worker knows about its loaded model.
///
/// Everything in it comes from an untrusted file.
package struct ModelFacts: Sendable, Hashable {
    /// `general.architecture`, for example `llama`.
    package var architecture: String
    /// `general.name`, or the file's name.
    package var name: String
    /// What can be asked of it; not empty.
    package var tasks: [ModelTask]
    /// How a vector is made of the hidden states of a text's tokens, for example `mean`; nil if no
    /// vectors are.
    package var pooling: String?
    /// Number of weights.
    package var parameterCount: Int
    /// Name of the type most weights are stored in, for example `Q4_1`.
    package var quantization: String
    /// Prompt and output tokens a sequence may have: what is served.
    package var contextLength: Int
    /// What the model was trained for, in tokens.
    package var trainedContextLength: Int
    /// Number of tokens in the vocabulary.
    package var vocabularySize: Int
    /// Width of the residual stream.
    package var embeddingLength: Int
    /// Number of layers.
    package var layerCount: Int
    /// Bytes the packed weights occupy.
    package var weightByteCount: Int
    /// Bytes of keys and values for one token.
    package var kvBytesPerToken: Int
    /// Tokens that the KV cache holds over all sequences.
    package var kvCapacityTokens: Int
    /// Sequences computed at the same time.
    package var maximumSequenceCount: Int
    /// Threads that compute.
    package var threadCount: Int
    /// The kernels in use, for example `avx512`.
    package var instructionSet: String
    /// How the worker has locked itself in: `landlock+seccomp`, one of the two, or `none`.
    package var sandbox: String
    /// The chat template's source, as the file has it (or the default that stands in for it).
    package var chatTemplate: String?
    /// What the chat template knows of: `tools`, `thinking`, `vision`.
    package var templateCapabilities: [String]
    /// `general.license`, if the file names one.
    package var license: String?
    /// Text of the beginning-of-sequence token.
    package var beginningTokenText: String?
    /// Text of the end-of-sequence token.
    package var endTokenText: String?
    /// The adapters that were loaded with it, or could not be.
    package var adapters: [AdapterFacts]

    /// Makes facts; what is left out is unknown (0 or empty).
    package init(
        architecture: String,
        name: String,
        tasks: [ModelTask] = [.generate],
        pooling: String? = nil,
        parameterCount: Int = 0,
        quantization: String = "",
        contextLength: Int,
        trainedContextLength: Int,
        vocabularySize: Int,
        embeddingLength: Int = 0,
        layerCount: Int = 0,
        weightByteCount: Int = 0,
        kvBytesPerToken: Int = 0,
        kvCapacityTokens: Int = 0,
        maximumSequenceCount: Int = 0,
        threadCount: Int = 0,
        instructionSet: String = "",
        sandbox: String = "",
        chatTemplate: String? = nil,
        templateCapabilities: [String] = [],
        license: String? = nil,
        beginningTokenText: String? = nil,
        endTokenText: String? = nil,
        adapters: [AdapterFacts] = []
    ) {
        self.architecture = architecture
        self.name = name
        self.tasks = tasks
        self.pooling = pooling
        self.parameterCount = parameterCount
        self.quantization = quantization
        self.contextLength = contextLength
        self.trainedContextLength = trainedContextLength
        self.vocabularySize = vocabularySize
        self.embeddingLength = embeddingLength
        self.layerCount = layerCount
        self.weightByteCount = weightByteCount
        self.kvBytesPerToken = kvBytesPerToken
        self.kvCapacityTokens = kvCapacityTokens
        self.maximumSequenceCount = maximumSequenceCount
        self.threadCount = threadCount
        self.instructionSet = instructionSet
        self.sandbox = sandbox
        self.chatTemplate = chatTemplate
        self.templateCapabilities = templateCapabilities
        self.license = license
        self.beginningTokenText = beginningTokenText
        self.endTokenText = endTokenText
        self.adapters = adapters
    }
}
