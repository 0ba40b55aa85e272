import JSON
import Glibc

/// Says in GGUF's keys what `config.json` and its neighbours say about a model.
///
/// The keys are those that llama.cpp's converter writes for the same model, so that nothing behind this
/// knows that there was no GGUF file.
struct FolderMetadata {
    let configuration: FolderConfiguration
    let family: FolderFamily
    /// How matrices were quantised, if some were.
    let quantization: FolderQuantization?
    /// `1_Pooling/config.json`.
    let pooling: FolderConfiguration?
    /// What the model is called if it doesn't say so itself.
    let name: String

    private typealias Entry = (key: String, value: GGUFValue)

    /// All keys but those of the vocabulary.
    func entries() throws(GGUFError) -> [(key: String, value: GGUFValue)] {
        var entries: [Entry] = [
            ("general.architecture", .string(family.architecture)),
            ("general.type", .string("model")),
            ("general.name", .string(name)),
            ("general.quantization_version", .uint32(2)),
        ]
        if let quantization {
            entries.append((FolderKeys.quantization, .string(quantization.name)))
        }
        if let license = configuration.string("license") {
            entries.append(("general.license", .string(license)))
        }
        var keys = Keys(configuration, prefix: family.architecture)
        keys.add("context_length", .uint32(UInt32(clamping: try contextLength())))
        try keys.required(Self.widthNames, as: "embedding_length")
        try keys.required(["num_hidden_layers", "n_layer"], as: "block_count")
        try keys.required(["intermediate_size", "n_inner"], as: "feed_forward_length")
        try keys.required(Self.headCountNames, as: "attention.head_count")
        switch family {
        case .bert, .jinaBert, .nomicBert, .modernBert: try addEncoder(&keys)
        case .llama, .mistral, .qwen2, .qwen3, .phi3, .gemma3, .gemmaEmbedding:
            try addDecoder(&keys)
        }
        if let type = poolingType { keys.add("pooling_type", .uint32(type)) }
        return entries + keys.entries
    }

    /// Divisors of the rotary angles, which GGUF files hold as tensors.
    func computedTensors() throws(GGUFError) -> [(name: String, values: [Float])] {
        let rotary = try RotarySettings(configuration)
        if rotary.type == "llama3" {
            return [("rope_freqs.weight", try rotary.llama3Factors(dimensionCount: try rotated()))]
        }
        guard family == .phi3, let long = rotary.longFactors, let short = rotary.shortFactors else {
            return []
        }
        let count = try rotated() / 2
        guard long.count == count, short.count == count else {
            throw configuration.refusal(
                "has rotary factors for \(long.count) and \(short.count) pairs instead of \(count)"
            )
        }
        return [("rope_factors_long.weight", long), ("rope_factors_short.weight", short)]
    }

    /// Dimensions of a head that rotate.
    private func rotated() throws(GGUFError) -> Int {
        let partial = try RotarySettings(configuration).partialFactor ?? 1
        let width = try headDimension()
        guard partial > 0, partial <= 1 else {
            throw configuration.refusal("has a partial_rotary_factor of \(partial)")
        }
        return Int(Double(width) * partial)
    }

    /// D.
    func headDimension() throws(GGUFError) -> Int {
        if let dimension = try configuration.integer("head_dim"), dimension > 0 { return dimension }
        if family.isGemma { return 256 }
        let heads = try configuration.required(Self.headCountNames)
        guard heads > 0 else { throw configuration.refusal("has no attention heads") }
        return try configuration.required(Self.widthNames) / heads
    }

    // The second names are those of Nomic's own class.
    private static let widthNames = ["hidden_size", "n_embd"]
    private static let headCountNames = ["num_attention_heads", "n_head"]

    /// The longest text; Nomic's own class states what can be stretched to.
    private func contextLength() throws(GGUFError) -> Int {
        let length = try configuration.required(["max_position_embeddings", "n_positions"])
        guard family == .nomicBert, configuration.value["max_position_embeddings"] == nil else {
            return length
        }
        return min(length, try configuration.integer("max_trained_positions") ?? 2048)
    }

    private func addDecoder(_ keys: inout Keys) throws(GGUFError) {
        try keys.number("num_key_value_heads", as: "attention.head_count_kv")
        let epsilon = try configuration.double("rms_norm_eps") ?? 1e-6
        keys.add("attention.layer_norm_rms_epsilon", .float32(Float(epsilon)))
        if configuration.value["head_dim"]?.intValue != nil || family.isGemma {
            let dimension = UInt32(clamping: try headDimension())
            keys.add("attention.key_length", .uint32(dimension))
            keys.add("attention.value_length", .uint32(dimension))
        }
        let rotary = try RotarySettings(configuration)
        keys.add("rope.freq_base", .float32(rotary.base ?? (family.isGemma ? 1e6 : 1e4)))
        switch family {
        case .llama, .mistral:
            try keys.number("vocab_size", as: "vocab_size")
            keys.add("rope.dimension_count", .uint32(UInt32(clamping: try rotated())))
        case .phi3:
            keys.add("rope.dimension_count", .uint32(UInt32(clamping: try rotated())))
        case .gemma3, .gemmaEmbedding:
            try checkQueryScale()
            try addWindows(&keys, rotary)
        default:
            break
        }
        if family == .phi3 {
            if let length = rotary.originalContextLength {
                let key = "rope.scaling.original_context_length"
                keys.add(key, .uint32(UInt32(clamping: length)))
            }
            // 0 tells Phi-4 from others of the architecture.
            let window = try configuration.integer("sliding_window") ?? 0
            keys.add("attention.sliding_window", .uint32(UInt32(clamping: window)))
            if rotary.longFactors != nil {
                let factor = try rotary.attentionFactor(configuration)
                keys.add("rope.scaling.attn_factor", .float32(factor))
            }
        } else {
            try rotary.addScaling(to: &keys)
        }
    }

    /// GGUF has no key for what Gemma 3 scales its scores by: readers go by the size of the heads, or,
    /// of the 27B models, which have 62 layers, by the width for each head.
    private func checkQueryScale() throws(GGUFError) {
        guard let scale = try configuration.double("query_pre_attn_scalar") else { return }
        let heads = try configuration.required("num_attention_heads")
        let isLargest = try configuration.required("num_hidden_layers") == 62
        let expected =
            isLargest && heads > 0
            ? try configuration.required("hidden_size") / heads : try headDimension()
        guard scale == Double(expected) else {
            throw configuration.refusal(
                "has a \"query_pre_attn_scalar\" of \(scale); only \(expected) can be served"
            )
        }
    }

    private func addWindows(_ keys: inout Keys, _ rotary: RotarySettings) throws(GGUFError) {
        try keys.number("sliding_window", as: "attention.sliding_window")
        let local = try configuration.double("rope_local_base_freq").map { Float($0) }
        if let base = local ?? rotary.localBase { keys.add("rope.freq_base_swa", .float32(base)) }
        if let cap = try configuration.double("final_logit_softcapping") {
            keys.add("final_logit_softcapping", .float32(Float(cap)))
        }
        // Every sixth layer sees all, unless the layers say otherwise.
        guard let types = configuration.value["layer_types"]?.arrayValue else { return }
        let slides = types.map { $0.stringValue == "sliding_attention" }
        let usual = slides.indices.map { $0 % 6 < 5 }
        if slides != usual { keys.add("attention.sliding_window_pattern", .bools(slides)) }
    }

    /// The number of `pooling_type`: mean, first or last token.
    private var poolingType: UInt32? {
        guard let pooling else { return nil }
        if pooling.flag("pooling_mode_mean_tokens") == true { return 1 }
        if pooling.flag("pooling_mode_cls_token") == true { return 2 }
        if pooling.flag("pooling_mode_lasttoken") == true { return 3 }
        // How later versions say it.
        switch pooling.string("pooling_mode") {
        case "mean": return 1
        case "cls": return 2
        case "lasttoken": return 3
        default: return nil
        }
    }

    /// Collects keys of one architecture.
    struct Keys {
        private let configuration: FolderConfiguration
        private let prefix: String
        private(set) var entries: [(key: String, value: GGUFValue)] = []

        init(_ configuration: FolderConfiguration, prefix: String) {
            self.configuration = configuration
            self.prefix = prefix
        }

        mutating func add(_ key: String, _ value: GGUFValue) {
            entries.append(("\(prefix).\(key)", value))
        }

        mutating func addPlain(_ key: String, _ value: GGUFValue) {
            entries.append((key, value))
        }

        mutating func number(_ name: String, as key: String) throws(GGUFError) {
            if let number = try configuration.integer(name) {
                add(key, .uint32(UInt32(clamping: number)))
            }
        }

        mutating func required(_ names: [String], as key: String) throws(GGUFError) {
            add(key, .uint32(UInt32(clamping: try configuration.required(names))))
        }
    }
}
