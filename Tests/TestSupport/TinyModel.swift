import Tensors

/// A model of some hundred kilobytes with random weights and everything a real file has: a
/// byte-level vocabulary with merges and control tokens, a chat template, and weights in any type.
///
/// Its answers are nonsense, and the same on every machine.
package struct TinyModel: Sendable {
    /// `general.architecture`: `llama` or `qwen2` (which has biases).
    package var architecture = "llama"
    /// The types of the weight matrices, used in turn.
    ///
    /// Where a row isn't a multiple of a type's 256 elements, the type that llama.cpp falls back to
    /// is used instead.
    package var types: [TensorType] = [.q4_0, .q8_0]
    /// The same seed gives the same weights.
    package var seed: UInt64 = 1
    /// A multiple of `headDimension`; 320 has a tail of 64 after a group of 256.
    package var embeddingLength = 320
    /// Elements of a head.
    package var headDimension = 64
    /// Heads that share keys and values.
    ///
    /// Must divide the number of heads.
    package var keyValueHeadCount = 1
    /// A multiple of 256, so that types with 256 elements in a group occur.
    package var feedForwardLength = 512
    /// The number of layers.
    package var layerCount = 2
    /// What the file says it was trained for.
    package var contextLength = 1024
    /// Whether the output head is the token embedding.
    package var isTied = false
    /// `tokenizer.chat_template`; nil writes none.
    package var chatTemplate: String? = TinyModel.chatML
    /// `general.name`.
    package var name = "Tiny"

    /// A small model with random weights.
    package init() {}

    /// Writes a small model to `path`.
    package static func write(
        architecture: String = "llama",
        types: [TensorType] = [.q4_0, .q8_0],
        seed: UInt64 = 1,
        to path: String
    ) throws {
        var model = TinyModel()
        model.architecture = architecture
        model.types = types
        model.seed = seed
        try model.writer().write(to: path)
    }

    /// The file, still open for changes.
    package func writer() -> GGUFWriter {
        var writer = GGUFWriter()
        addMetadata(to: &writer)
        TinyVocabulary.addMetadata(to: &writer)
        if let chatTemplate { writer.set("tokenizer.chat_template", .string(chatTemplate)) }
        var weights = WeightWriter(types: types, generator: SeededGenerator(seed: seed))
        addTensors(with: &weights)
        writer.tensors = weights.tensors
        return writer
    }

    private var headCount: Int { embeddingLength / headDimension }

    private func addMetadata(to writer: inout GGUFWriter) {
        func set(_ key: String, _ value: Int) {
            writer.set("\(architecture).\(key)", .uint32(UInt32(value)))
        }
        writer.set("general.architecture", .string(architecture))
        writer.set("general.type", .string("model"))
        writer.set("general.name", .string(name))
        set("block_count", layerCount)
        set("context_length", contextLength)
        set("embedding_length", embeddingLength)
        set("feed_forward_length", feedForwardLength)
        set("attention.head_count", headCount)
        set("attention.head_count_kv", keyValueHeadCount)
        set("rope.dimension_count", headDimension)
        set("vocab_size", TinyVocabulary.tokens.count)
        writer.set("\(architecture).rope.freq_base", .float32(10_000))
        writer.set("\(architecture).attention.layer_norm_rms_epsilon", .float32(1e-5))
    }

    private func addTensors(with weights: inout WeightWriter) {
        let vocabularySize = TinyVocabulary.tokens.count
        let keyValueLength = keyValueHeadCount * headDimension
        weights.matrix("token_embd.weight", embeddingLength, vocabularySize)
        for layer in 0..<layerCount {
            let prefix = "blk.\(layer)."
            weights.norm(prefix + "attn_norm.weight", embeddingLength)
            weights.matrix(prefix + "attn_q.weight", embeddingLength, headCount * headDimension)
            weights.matrix(prefix + "attn_k.weight", embeddingLength, keyValueLength)
            weights.matrix(prefix + "attn_v.weight", embeddingLength, keyValueLength)
            if architecture == "qwen2" {
                weights.bias(prefix + "attn_q.bias", headCount * headDimension)
                weights.bias(prefix + "attn_k.bias", keyValueLength)
                weights.bias(prefix + "attn_v.bias", keyValueLength)
            }
            weights.matrix(
                prefix + "attn_output.weight",
                headCount * headDimension,
                embeddingLength
            )
            weights.norm(prefix + "ffn_norm.weight", embeddingLength)
            weights.matrix(prefix + "ffn_gate.weight", embeddingLength, feedForwardLength)
            weights.matrix(prefix + "ffn_up.weight", embeddingLength, feedForwardLength)
            weights.matrix(prefix + "ffn_down.weight", feedForwardLength, embeddingLength)
        }
        weights.norm("output_norm.weight", embeddingLength)
        if !isTied { weights.matrix("output.weight", embeddingLength, vocabularySize) }
    }

    /// The template of SmolLM2 and Qwen, without a default system message.
    package static let chatML =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
        + "message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

    private struct WeightWriter {
        var types: [TensorType]
        var generator: SeededGenerator
        var tensors: [GGUFWriter.Tensor] = []
        private var nextType = 0

        init(types: [TensorType], generator: SeededGenerator) {
            self.types = types
            self.generator = generator
        }

        mutating func matrix(_ name: String, _ columnCount: Int, _ rowCount: Int) {
            var type = types[nextType % types.count]
            nextType += 1
            if columnCount % type.blockElementCount != 0 { type = type.fallback }
            let bytes = RandomBlocks.bytes(
                type: type,
                rowCount: rowCount,
                columnCount: columnCount,
                deviation: 1 / Float(columnCount).squareRoot(),
                using: &generator
            )
            tensors.append(
                GGUFWriter.Tensor(
                    name: name,
                    type: type,
                    dimensions: [columnCount, rowCount],
                    bytes: bytes
                )
            )
        }

        mutating func norm(_ name: String, _ count: Int) {
            vector(name, count, in: 0.8...1.2)
        }

        mutating func bias(_ name: String, _ count: Int) {
            vector(name, count, in: -0.5...0.5)
        }

        private mutating func vector(_ name: String, _ count: Int, in range: ClosedRange<Float>) {
            var bytes: [UInt8] = []
            for _ in 0..<count {
                let value = Float.random(in: range, using: &generator)
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
            tensors.append(
                GGUFWriter.Tensor(name: name, type: .f32, dimensions: [count], bytes: bytes)
            )
        }
    }
}

extension TensorType {
    /// What llama.cpp stores instead when rows aren't multiples of 256 elements.
    fileprivate var fallback: TensorType {
        switch self {
        case .q4_K: .q5_0
        case .q5_K: .q5_1
        case .q6_K: .q8_0
        default: .f16
        }
    }
}
