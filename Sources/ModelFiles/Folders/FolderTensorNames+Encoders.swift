extension FolderTensorNames {
    /// BERT's tensors, and those of Jina's BERT, whose feed-forward is gated.
    static func bertPlace(_ name: String) -> Place? {
        var name = name[...]
        if name.hasPrefix("bert.") { name = name.dropFirst("bert.".count) }
        if name == "embeddings.position_ids" || name.hasPrefix("pooler.")
            || name.hasPrefix("cls.")
        {
            return .leftOut
        }
        // The names of the first checkpoints.
        if name.hasSuffix(".gamma") { name = name.dropLast("gamma".count) + "weight" }
        if name.hasSuffix(".beta") { name = name.dropLast("beta".count) + "bias" }
        switch name {
        case "embeddings.word_embeddings.weight": return .named("token_embd.weight")
        case "embeddings.position_embeddings.weight": return .named("position_embd.weight")
        case "embeddings.token_type_embeddings.weight": return .named("token_types.weight")
        case "embeddings.LayerNorm.weight": return .named("token_embd_norm.weight")
        case "embeddings.LayerNorm.bias": return .named("token_embd_norm.bias")
        default: return layerPlace(name, prefix: "encoder.layer.", bertPart)
        }
    }

    private static func bertPart(_ part: Substring) -> String? {
        switch part {
        case "attention.self.query": "attn_q"
        case "attention.self.key": "attn_k"
        case "attention.self.value": "attn_v"
        case "attention.self.layer_norm_q": "attn_q_norm"
        case "attention.self.layer_norm_k": "attn_k_norm"
        case "attention.output.dense": "attn_output"
        case "attention.output.LayerNorm": "attn_output_norm"
        case "intermediate.dense", "mlp.gated_layers": "ffn_up"
        case "output.dense", "mlp.wo": "ffn_down"
        case "output.LayerNorm", "mlp.layernorm": "layer_output_norm"
        default: nil
        }
    }

    /// The tensors of Nomic's BERT.
    static func nomicPlace(_ name: String) -> Place? {
        var name = name[...]
        if name.hasPrefix("bert.") { name = name.dropFirst("bert.".count) }
        if name.hasPrefix("pooler.") || name.hasPrefix("cls.") { return .leftOut }
        switch name {
        case "embeddings.word_embeddings.weight": return .named("token_embd.weight")
        case "embeddings.token_type_embeddings.weight": return .named("token_types.weight")
        case "emb_ln.weight": return .named("token_embd_norm.weight")
        case "emb_ln.bias": return .named("token_embd_norm.bias")
        default: return layerPlace(name, prefix: "encoder.layers.", nomicPart)
        }
    }

    private static func nomicPart(_ part: Substring) -> String? {
        switch part {
        case "attn.Wqkv": "attn_qkv"
        case "attn.out_proj": "attn_output"
        case "norm1": "attn_output_norm"
        // The second of these two goes through the activation.
        case "mlp.fc11": "ffn_up"
        case "mlp.fc12": "ffn_gate"
        case "mlp.fc2": "ffn_down"
        case "norm2": "layer_output_norm"
        default: nil
        }
    }

    /// ModernBERT's tensors.
    ///
    /// The head that it was trained with guesses words; vectors don't need it.
    static func modernPlace(_ name: String) -> Place? {
        var name = name[...]
        if name.hasPrefix("model.") { name = name.dropFirst("model.".count) }
        if name.hasPrefix("head.") || name.hasPrefix("decoder.") { return .leftOut }
        switch name {
        case "embeddings.tok_embeddings.weight": return .named("token_embd.weight")
        case "embeddings.norm.weight": return .named("token_embd_norm.weight")
        case "embeddings.norm.bias": return .named("token_embd_norm.bias")
        case "final_norm.weight": return .named("output_norm.weight")
        case "final_norm.bias": return .named("output_norm.bias")
        default: return layerPlace(name, prefix: "layers.", modernPart)
        }
    }

    private static func modernPart(_ part: Substring) -> String? {
        switch part {
        case "attn_norm": "attn_norm"
        case "attn.Wqkv": "attn_qkv"
        case "attn.Wo": "attn_output"
        case "mlp_norm": "ffn_norm"
        case "mlp.Wi": "ffn_up"
        case "mlp.Wo": "ffn_down"
        default: nil
        }
    }

    /// The products behind EmbeddingGemma's pooling, named after the folders that hold them.
    static func densePlace(_ name: String) -> Place? {
        switch name {
        case "2_Dense.linear.weight": .named("dense_2.weight")
        case "3_Dense.linear.weight": .named("dense_3.weight")
        default: nil
        }
    }
}
