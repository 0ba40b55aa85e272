import Foundation

/// `TinyEncoder` as a Hugging Face folder, with what its authors' class calls things.
package struct TinyEncoderFolder: Sendable {
    /// The encoder, of one of the architectures `bert`, `nomic-bert`, `jina-bert-v2` and
    /// `modern-bert`; its matrices are in F32.
    package let encoder: TinyEncoder

    /// The folder of an encoder.
    package init(_ encoder: TinyEncoder) { self.encoder = encoder }

    /// The tensors that the folder presents.
    ///
    /// Jina's class has the gate's rows and the others in one matrix.
    package var tensors: [GGUFWriter.Tensor] {
        var tensors = encoder.writer().tensors
        guard encoder.architecture == "jina-bert-v2" else { return tensors }
        for index in tensors.indices where tensors[index].name.hasSuffix("ffn_up.weight") {
            let name = tensors[index].name.replacing("ffn_up", with: "ffn_gate")
            guard let gate = tensors.first(where: { $0.name == name }) else { continue }
            tensors[index].bytes = gate.bytes + tensors[index].bytes
            tensors[index].dimensions[1] += gate.dimensions[1]
        }
        return tensors.filter { !$0.name.hasSuffix("ffn_gate.weight") }
    }

    /// Writes all files.
    ///
    /// - Parameters:
    ///   - folder: Where to.
    ///   - change: What `config.json` says otherwise.
    /// - Throws: An error of the file system.
    package func write(
        to folder: String,
        changing change: (inout [String: Any]) -> Void = { _ in }
    ) throws {
        let stored = tensors.map {
            (name: name($0.name), type: "F32", shape: Array($0.dimensions.reversed()), $0.bytes)
        }
        var configuration = configuration
        change(&configuration)
        let files = [
            "config.json": try TinyFolder.json(configuration),
            "tokenizer.json": try TinyFolder.json(TinyFolder.tokenizer),
            "model.safetensors": try TinyFolder.safetensors(
                stored.map { ($0.name, $0.type, $0.shape, $0.3) }
            ),
        ]
        for (name, bytes) in files {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
    }

    private var configuration: [String: Any] {
        let heads = encoder.embeddingLength / 32
        if encoder.architecture == "nomic-bert" {
            return [
                "model_type": "nomic_bert", "n_embd": encoder.embeddingLength,
                "n_layer": encoder.layerCount, "n_inner": encoder.feedForwardLength,
                "n_head": heads, "n_positions": 4 * encoder.contextLength,
                "max_trained_positions": encoder.contextLength, "layer_norm_epsilon": 1e-3,
                "rotary_emb_base": 1000, "activation_function": "swiglu",
                "rotary_emb_fraction": 1.0, "prenorm": false,
            ]
        }
        var configuration: [String: Any] = [
            "hidden_size": encoder.embeddingLength, "num_hidden_layers": encoder.layerCount,
            "intermediate_size": encoder.feedForwardLength, "num_attention_heads": heads,
            "max_position_embeddings": encoder.contextLength,
        ]
        if encoder.architecture == "modern-bert" {
            configuration["model_type"] = "modernbert"
            configuration["norm_eps"] = 1e-3
            configuration["local_attention"] = 16
            configuration["global_attn_every_n_layers"] = 3
            configuration["global_rope_theta"] = 160_000.0
            configuration["local_rope_theta"] = 10_000.0
        } else {
            configuration["model_type"] = "bert"
            configuration["layer_norm_eps"] = 1e-3
            if encoder.architecture == "jina-bert-v2" {
                configuration["position_embedding_type"] = "alibi"
                configuration["feed_forward_type"] = "geglu"
            }
        }
        return configuration
    }

    /// What the class calls a tensor.
    private func name(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        let names: [String: String]
        let layers: String
        switch encoder.architecture {
        case "nomic-bert": (names, layers) = (Self.nomicNames, "encoder.layers")
        case "modern-bert": (names, layers) = (Self.modernNames, "layers")
        default: (names, layers) = (Self.bertNames, "encoder.layer")
        }
        if parts[0] == "blk" {
            return "\(layers).\(parts[1]).\(names[parts[2]] ?? parts[2]).\(parts[3])"
        }
        return "\(names[parts[0]] ?? parts[0]).\(parts[1])"
    }

    private static let bertNames = [
        "token_embd": "embeddings.word_embeddings",
        "position_embd": "embeddings.position_embeddings",
        "token_types": "embeddings.token_type_embeddings",
        "token_embd_norm": "embeddings.LayerNorm", "attn_q": "attention.self.query",
        "attn_k": "attention.self.key", "attn_v": "attention.self.value",
        "attn_q_norm": "attention.self.layer_norm_q",
        "attn_k_norm": "attention.self.layer_norm_k", "attn_output": "attention.output.dense",
        "attn_output_norm": "attention.output.LayerNorm", "ffn_up": "mlp.gated_layers",
        "ffn_down": "mlp.wo", "layer_output_norm": "mlp.layernorm",
    ]
    private static let nomicNames = [
        "token_embd": "embeddings.word_embeddings",
        "token_types": "embeddings.token_type_embeddings", "token_embd_norm": "emb_ln",
        "attn_qkv": "attn.Wqkv", "attn_output": "attn.out_proj", "attn_output_norm": "norm1",
        "ffn_up": "mlp.fc11", "ffn_gate": "mlp.fc12", "ffn_down": "mlp.fc2",
        "layer_output_norm": "norm2",
    ]
    private static let modernNames = [
        "token_embd": "embeddings.tok_embeddings", "token_embd_norm": "embeddings.norm",
        "output_norm": "final_norm", "attn_norm": "attn_norm", "attn_qkv": "attn.Wqkv",
        "attn_output": "attn.Wo", "ffn_norm": "mlp_norm", "ffn_up": "mlp.Wi",
        "ffn_down": "mlp.Wo",
    ]
}
