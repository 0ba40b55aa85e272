import Tensors

/// A model of some hundred kilobytes with random weights and everything a real file has: a
/// byte-level vocabulary with merges and control tokens, a chat template, and weights in any type.
///
/// Its answers are nonsense, and the same on every machine.
package struct TinyModel: Sendable {
    /// `general.architecture`: one of ``TinyArchitecture``'s.
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
    private var traits: TinyArchitecture { .named(architecture) }

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
        let epsilon = traits.hasLayerNorms ? "layer_norm_epsilon" : "layer_norm_rms_epsilon"
        writer.set("\(architecture).attention.\(epsilon)", .float32(1e-5))
        if let experts = traits.experts {
            set("expert_count", experts.count)
            set("expert_used_count", experts.usedCount)
            set("expert_feed_forward_length", experts.length)
            if experts.sharedLength > 0 {
                set("expert_shared_feed_forward_length", experts.sharedLength)
            }
        }
        for (key, value) in traits.keys { writer.set("\(architecture).\(key)", value) }
    }

    private func addTensors(with weights: inout WeightWriter) {
        let vocabularySize = TinyVocabulary.tokens.count
        weights.matrix("token_embd.weight", embeddingLength, vocabularySize)
        for layer in 0..<layerCount {
            addAttention("blk.\(layer).", with: &weights)
            if let name = traits.feedForwardNorm { addNorm("blk.\(layer).\(name)", with: &weights) }
            if let experts = traits.experts {
                addExperts(experts, "blk.\(layer).", with: &weights)
            } else {
                addFeedForward("blk.\(layer).", with: &weights)
            }
            if traits.hasBranchNorms { addNorm("blk.\(layer).post_ffw_norm", with: &weights) }
        }
        addNorm("output_norm", with: &weights)
        if !isTied {
            weights.product("output", embeddingLength, vocabularySize, bias: traits.hasHeadBias)
        }
    }

    private func addAttention(_ prefix: String, with weights: inout WeightWriter) {
        let (queries, keys) = (headCount * headDimension, keyValueHeadCount * headDimension)
        let width = embeddingLength
        let hasBiases = traits.biases != .none
        if traits.hasAttentionNorm { addNorm(prefix + "attn_norm", with: &weights) }
        if traits.isFused {
            weights.product(prefix + "attn_qkv", width, queries + 2 * keys, bias: hasBiases)
        } else {
            // In the order that earlier golden results were made with.
            let parts = [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)]
            for (name, rows) in parts { weights.matrix(prefix + name + ".weight", width, rows) }
            for (name, rows) in parts where hasBiases {
                weights.bias(prefix + name + ".bias", rows)
            }
        }
        switch traits.headNorms {
        case .none: break
        case .each:
            weights.norm(prefix + "attn_q_norm.weight", headDimension)
            weights.norm(prefix + "attn_k_norm.weight", headDimension)
        case .together:
            weights.norm(prefix + "attn_q_norm.weight", queries)
            weights.norm(prefix + "attn_k_norm.weight", keys)
        }
        if traits.hasSinks { weights.bias(prefix + "attn_sinks.weight", headCount) }
        weights.product(prefix + "attn_output", queries, width, bias: traits.biases == .all)
        if traits.hasBranchNorms { addNorm(prefix + "post_attention_norm", with: &weights) }
    }

    private func addFeedForward(_ prefix: String, with weights: inout WeightWriter) {
        let (width, inner) = (embeddingLength, feedForwardLength)
        let hasBias = traits.biases == .all
        if traits.hasGate, !traits.isFused {
            weights.product(prefix + "ffn_gate", width, inner, bias: hasBias)
        }
        let both = traits.hasGate && traits.isFused
        weights.product(prefix + "ffn_up", width, both ? 2 * inner : inner, bias: hasBias)
        weights.product(prefix + "ffn_down", inner, width, bias: hasBias)
    }

    private func addExperts(
        _ experts: TinyArchitecture.Experts,
        _ prefix: String,
        with weights: inout WeightWriter
    ) {
        let (width, inner, count) = (embeddingLength, experts.length, experts.count)
        let hasBias = traits.biases == .all
        weights.product(prefix + "ffn_gate_inp", width, count, bias: hasBias, type: .f32)
        for (name, columns, rows) in [
            ("gate", width, inner), ("up", width, inner), ("down", inner, width),
        ] {
            weights.product(
                prefix + "ffn_\(name)_exps",
                columns,
                rows,
                count: count,
                bias: hasBias
            )
        }
        guard experts.sharedLength > 0 else { return }
        weights.norm(prefix + "ffn_gate_inp_shexp.weight", width)
        weights.product(prefix + "ffn_gate_shexp", width, experts.sharedLength, bias: false)
        weights.product(prefix + "ffn_up_shexp", width, experts.sharedLength, bias: false)
        weights.product(prefix + "ffn_down_shexp", experts.sharedLength, width, bias: false)
    }

    private func addNorm(_ name: String, with weights: inout WeightWriter) {
        weights.norm(name + ".weight", embeddingLength)
        if traits.hasLayerNorms { weights.bias(name + ".bias", embeddingLength) }
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

        /// A weight and perhaps its bias; `count` experts have a third dimension.
        mutating func product(
            _ name: String,
            _ columnCount: Int,
            _ rowCount: Int,
            count: Int = 1,
            bias: Bool,
            type: TensorType? = nil
        ) {
            matrix(name + ".weight", columnCount, rowCount * count, type: type)
            if bias { self.bias(name + ".bias", rowCount * count) }
            guard count > 1 else { return }
            for index in tensors.indices.suffix(bias ? 2 : 1) {
                tensors[index].dimensions[tensors[index].dimensions.count - 1] = rowCount
                tensors[index].dimensions.append(count)
            }
        }

        mutating func matrix(
            _ name: String,
            _ columnCount: Int,
            _ rowCount: Int,
            type wanted: TensorType? = nil
        ) {
            var type = wanted ?? types[nextType % types.count]
            if wanted == nil { nextType += 1 }
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
