import JSON

// What encoders of BERT's kind say about themselves.
extension FolderMetadata {
    /// Adds what all of them have, and what a family has beyond it.
    func addEncoder(_ keys: inout Keys) throws(GGUFError) {
        var epsilon = family == .modernBert ? 1e-5 : 1e-12
        // Nomic's own class and ModernBERT's have names of their own.
        for name in ["layer_norm_eps", "layer_norm_epsilon", "norm_eps"] {
            if let stated = try configuration.double(name) { epsilon = stated }
        }
        keys.add("attention.layer_norm_epsilon", .float32(Float(epsilon)))
        keys.add("attention.causal", .bool(false))
        if family != .modernBert {
            let types = try configuration.integer("type_vocab_size") ?? 2
            keys.addPlain("tokenizer.ggml.token_type_count", .uint32(UInt32(clamping: types)))
        }
        switch family {
        case .jinaBert: try check("feed_forward_type", isOneOf: ["geglu"])
        case .nomicBert: try addNomic(&keys)
        case .modernBert: try addModern(&keys)
        default: try check("position_embedding_type", isOneOf: ["absolute"])
        }
    }

    /// Refuses a folder in which a text is there and isn't one of those that can be served.
    private func check(_ name: String, isOneOf texts: [String]) throws(GGUFError) {
        guard let text = configuration.string(name), !texts.contains(text) else { return }
        throw configuration.refusal(
            "has the \"\(name)\" \"\(text)\"; only \(texts.joined(separator: ", ")) can be served"
        )
    }

    private func addNomic(_ keys: inout Keys) throws(GGUFError) {
        try check("activation_function", isOneOf: ["swiglu"])
        try check("hidden_act", isOneOf: ["silu"])
        if let experts = try configuration.integer("moe_every_n_layers"), experts > 0 {
            throw configuration.refusal("has experts, with which folders can't be read")
        }
        for name in ["prenorm", "rotary_emb_interleaved", "causal"]
        where configuration.flag(name) == true {
            throw configuration.refusal("has \"\(name)\", which can't be served")
        }
        if let part = try configuration.double("rotary_emb_fraction"), part != 1 {
            throw configuration.refusal("rotates a part of each head, which can't be served")
        }
        let base = try RotarySettings(configuration).base
        let stated = try configuration.double("rotary_emb_base").map { Float($0) }
        keys.add("rope.freq_base", .float32(base ?? stated ?? 1000))
    }

    private func addModern(_ keys: inout Keys) throws(GGUFError) {
        let rotary = try RotarySettings(configuration)
        let wide = try configuration.double("global_rope_theta").map { Float($0) }
        let narrow = try configuration.double("local_rope_theta").map { Float($0) }
        keys.add("rope.freq_base", .float32(rotary.base ?? wide ?? 160_000))
        keys.add("rope.freq_base_swa", .float32(rotary.localBase ?? narrow ?? 10_000))
        keys.add("rope.scaling.type", .string("none"))
        let window = try configuration.integer("local_attention") ?? 128
        keys.add("attention.sliding_window", .uint32(UInt32(clamping: window)))
        if let period = try windowPeriod() {
            keys.add("attention.sliding_window_pattern", .uint32(UInt32(clamping: period)))
        }
        try keys.number("vocab_size", as: "vocab_size")
        try check("hidden_activation", isOneOf: ["gelu", "silu"])
        if let activation = configuration.string("hidden_activation") {
            keys.add("hidden_activation", .string(activation))
        }
    }

    /// Every so many layers one sees everything, the first included; nil if it is every third.
    private func windowPeriod() throws(GGUFError) -> Int? {
        let stated = try configuration.integer("global_attn_every_n_layers")
        guard let types = configuration.value["layer_types"]?.arrayValue, !types.isEmpty else {
            return stated
        }
        let isWide = types.map { $0.stringValue == "full_attention" }
        let second = isWide.dropFirst().firstIndex(of: true) ?? max(stated ?? 3, isWide.count)
        guard isWide.indices.allSatisfy({ isWide[$0] == $0.isMultiple(of: second) }) else {
            throw configuration.refusal(
                "has \"layer_types\" without a period; only every so many layers, the first included, "
                    + "may see everything"
            )
        }
        return stated ?? (second == 3 || isWide.count <= 3 && second >= 3 ? nil : second)
    }
}
