import JSON

/// The families of models that can be read from a Hugging Face folder.
///
/// To add one: its `model_type` here, the names of its tensors in `FolderTensorNames`, and what its
/// configuration says beyond the common keys in `FolderMetadata`.
enum FolderFamily: String, Sendable, CaseIterable {
    case llama
    case mistral
    case qwen2
    case qwen3
    case gemma3
    case phi3
    case bert
    case nomicBert = "nomic-bert"
    case jinaBert = "jina-bert-v2"
    case modernBert = "modern-bert"
    case gemmaEmbedding = "gemma-embedding"

    /// The family that `config.json` names, and the part of it that describes the language model.
    static func find(
        _ configuration: FolderConfiguration
    ) throws(GGUFError) -> (family: FolderFamily, configuration: FolderConfiguration) {
        guard let type = configuration.string("model_type") else {
            throw configuration.refusal("lacks \"model_type\"; is it a language model's?")
        }
        if type == "gemma3", let text = configuration.section("text_config") {
            return (.gemma3, text)
        }
        if type == "gemma3_text" {
            let seesAll = configuration.flag("use_bidirectional_attention") == true
            return (seesAll ? .gemmaEmbedding : .gemma3, configuration)
        }
        // Jina's class calls itself BERT; what tells them apart is how they treat positions.
        if type == "bert", configuration.string("position_embedding_type") == "alibi" {
            return (.jinaBert, configuration)
        }
        guard let family = Self.byType[type] else {
            throw configuration.refusal(
                "is of the type \"\(type)\"; folders of these types can be read: "
                    + (byType.keys + ["gemma3_text"]).sorted().joined(separator: ", ")
                    + ". Get the model as a GGUF file instead"
            )
        }
        return (family, configuration)
    }

    /// By `model_type`.
    private static let byType: [String: FolderFamily] = [
        "llama": .llama, "mistral": .mistral, "qwen2": .qwen2, "qwen3": .qwen3, "gemma3": .gemma3,
        "phi3": .phi3, "bert": .bert, "nomic_bert": .nomicBert, "modernbert": .modernBert,
    ]

    /// `general.architecture`.
    var architecture: String { self == .mistral ? "llama" : rawValue }

    /// Whether it is Gemma 3 or made of it.
    var isGemma: Bool { self == .gemma3 || self == .gemmaEmbedding }

    /// Whether rotary pairs are neighbours in GGUF files, where they are a half apart in folders.
    var pairsNeighbours: Bool { self == .llama || self == .mistral }

    /// Whether norms multiply by one more than their weights.
    var addsOneToNorms: Bool { isGemma }
}

/// What tensors are called in folders and in GGUF files.
enum FolderTensorNames {
    /// What happens to a tensor on the way.
    enum Place: Sendable, Hashable {
        /// It has this name in GGUF files.
        case named(String)
        /// GGUF files have no such tensor.
        case leftOut
    }

    /// The GGUF name of a tensor; nil if the family has no such tensor.
    static func place(of name: String, in family: FolderFamily) -> Place? {
        switch family {
        case .bert, .jinaBert: bertPlace(name)
        case .nomicBert: nomicPlace(name)
        case .modernBert: modernPlace(name)
        case .gemmaEmbedding: densePlace(name) ?? decoderPlace(name, family)
        case .llama, .mistral, .qwen2, .qwen3, .gemma3, .phi3: decoderPlace(name, family)
        }
    }

    // MARK: Decoders

    private static func decoderPlace(_ name: String, _ family: FolderFamily) -> Place? {
        var name = name[...]
        for prefix in ["language_model.", "model.language_model."] where name.hasPrefix(prefix) {
            name = name.dropFirst(prefix.count)
        }
        if [
            "vision_tower.", "model.vision_tower.", "multi_modal_projector.",
            "model.multi_modal_projector.",
        ].contains(where: { name.hasPrefix($0) }) || name.hasSuffix("rotary_emb.inv_freq") {
            return .leftOut
        }
        if name.hasPrefix("model.") { name = name.dropFirst("model.".count) }
        switch name {
        case "embed_tokens.weight": return .named("token_embd.weight")
        case "norm.weight": return .named("output_norm.weight")
        case "lm_head.weight": return .named("output.weight")
        default: return layerPlace(name, prefix: "layers.") { decoderPart($0, family) }
        }
    }

    private static func decoderPart(_ part: Substring, _ family: FolderFamily) -> String? {
        switch part {
        case "input_layernorm": "attn_norm"
        case "self_attn.q_proj": "attn_q"
        case "self_attn.k_proj": "attn_k"
        case "self_attn.v_proj": "attn_v"
        case "self_attn.o_proj": "attn_output"
        case "self_attn.qkv_proj": "attn_qkv"
        case "self_attn.q_norm": "attn_q_norm"
        case "self_attn.k_norm": "attn_k_norm"
        case "mlp.gate_proj": "ffn_gate"
        case "mlp.up_proj", "mlp.gate_up_proj": "ffn_up"
        case "mlp.down_proj": "ffn_down"
        case "post_attention_layernorm": family.isGemma ? "post_attention_norm" : "ffn_norm"
        case "pre_feedforward_layernorm": "ffn_norm"
        case "post_feedforward_layernorm": "post_ffw_norm"
        default: nil
        }
    }

    /// Takes `PREFIX<number>.<part>.weight` apart.
    static func layerPlace(
        _ name: Substring,
        prefix: String,
        _ part: (Substring) -> String?
    ) -> Place? {
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]),
            let end = rest.lastIndex(of: "."), end > dot
        else { return nil }
        let kind = rest[rest.index(after: end)...]
        guard kind == "weight" || kind == "bias",
            let part = part(rest[rest.index(after: dot)..<end])
        else { return nil }
        return .named("blk.\(layer).\(part).\(kind)")
    }
}
