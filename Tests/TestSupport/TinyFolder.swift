import Foundation
import Tensors

/// `TinyModel` in F32 as a Hugging Face folder, with its weights in two files.
package struct TinyFolder: Sendable {
    /// The model; its tensors are what a folder of the type `qwen2` presents.
    package let model: TinyModel
    /// How the layers' matrices are quantised, if they are.
    package let groups: TinyGroupedMatrix.Style?

    /// The folder of a model of an architecture, `qwen2` or `llama`.
    package init(architecture: String = "qwen2", groups: TinyGroupedMatrix.Style? = nil) {
        self.groups = groups
        var model = TinyModel()
        model.architecture = architecture
        model.types = [.f32]
        self.model = model
    }

    /// The names of the files, as a gateway would pass them to a worker.
    package static let fileNames = [
        "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors.index.json",
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
    ]

    /// Writes all files, with an adapter merged into the weights if one is given.
    package func write(to folder: String, merging adapter: TinyAdapter? = nil) throws {
        for (name, bytes) in try files(merging: adapter) {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
    }

    /// All files by name, with an adapter merged into the weights if one is given.
    package func files(merging adapter: TinyAdapter? = nil) throws -> [String: [UInt8]] {
        var tensors = model.writer().tensors
        adapter?.merge(into: &tensors)
        let half = tensors.count / 2
        let parts = [Array(tensors[..<half]), Array(tensors[half...])]
        var files: [String: [UInt8]] = [:]
        var places: [String: Any] = [:]
        for (index, part) in parts.enumerated() {
            let name = "model-0000\(index + 1)-of-00002.safetensors"
            let stored = part.flatMap(stored)
            files[name] = try Self.safetensors(stored)
            for tensor in stored { places[tensor.name] = name }
        }
        files["model.safetensors.index.json"] = try Self.json(["weight_map": places])
        files["config.json"] = try Self.json(configuration)
        files["tokenizer.json"] = try Self.json(Self.tokenizer)
        files["tokenizer_config.json"] = try Self.json([
            "eos_token": "<|im_end|>", "bos_token": ["content": "<|endoftext|>"],
            "chat_template": TinyModel.chatML,
        ])
        return files
    }

    /// The random matrix that stands for a layer's if those are quantised.
    package func groupedMatrix(_ tensor: GGUFWriter.Tensor) -> TinyGroupedMatrix? {
        guard let groups, tensor.name.hasPrefix("blk."), tensor.dimensions.count == 2 else {
            return nil
        }
        let seed = tensor.name.utf8.reduce(1) { $0 &* 31 &+ UInt64($1) }
        return TinyGroupedMatrix(
            inputCount: tensor.dimensions[0],
            outputCount: tensor.dimensions[1],
            style: groups,
            seed: seed,
            orderSeed: groups.hasCommonOrder ? UInt64(tensor.dimensions[0]) : seed
        )
    }

    /// What a folder has of a tensor.
    private func stored(
        _ tensor: GGUFWriter.Tensor
    ) -> [(name: String, type: String, shape: [Int], bytes: [UInt8])] {
        let name = Self.name(tensor.name)
        if let matrix = groupedMatrix(tensor) {
            return matrix.tensors(String(name.dropLast(".weight".count)))
        }
        return [(name, "F32", tensor.dimensions.reversed(), tensor.bytes)]
    }

    /// A file of weights.
    package static func safetensors(
        _ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])]
    ) throws -> [UInt8] {
        var header: [String: Any] = ["__metadata__": ["format": "pt"]]
        var data: [UInt8] = []
        for tensor in tensors {
            let end = data.count + tensor.bytes.count
            header[tensor.name] = [
                "dtype": tensor.type, "shape": tensor.shape, "data_offsets": [data.count, end],
            ]
            data += tensor.bytes
        }
        return safetensors(header: try json(header), data: data)
    }

    /// A file of weights with any header.
    package static func safetensors(header: [UInt8], data: [UInt8]) -> [UInt8] {
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return length + header + data
    }

    static func json(_ value: [String: Any]) throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys]))
    }

    private var configuration: [String: Any] {
        var configuration: [String: Any] = [
            "model_type": model.architecture, "hidden_size": model.embeddingLength,
            "num_hidden_layers": model.layerCount, "intermediate_size": model.feedForwardLength,
            "num_attention_heads": model.embeddingLength / model.headDimension,
            "num_key_value_heads": model.keyValueHeadCount, "rms_norm_eps": 1e-5,
            "max_position_embeddings": model.contextLength, "rope_theta": 10_000.0,
            "vocab_size": TinyVocabulary.tokens.count, "tie_word_embeddings": model.isTied,
        ]
        configuration["quantization_config"] = groups?.configuration
        return configuration
    }

    /// `TinyVocabulary` as `tokenizer.json`.
    static var tokenizer: [String: Any] {
        var ids: [String: Int] = [:]
        for (id, token) in TinyVocabulary.tokens.enumerated() { ids[token] = id }
        let added = TinyVocabulary.controlTokens.map { text -> [String: Any] in
            ["id": ids[text] ?? 0, "content": text, "special": true]
        }
        let expression =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
        let split: [String: Any] = [
            "type": "Split", "pattern": ["Regex": expression], "behavior": "Isolated",
            "invert": false,
        ]
        let bytes: [String: Any] = ["type": "ByteLevel", "use_regex": false]
        return [
            "added_tokens": added,
            "pre_tokenizer": ["type": "Sequence", "pretokenizers": [split, bytes]],
            "model": ["type": "BPE", "vocab": ids, "merges": TinyVocabulary.merges],
        ]
    }

    /// What a folder calls a tensor of the model.
    static func name(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        switch parts[0] {
        case "token_embd": return "model.embed_tokens.weight"
        case "output_norm": return "model.norm.weight"
        case "output": return "lm_head.weight"
        default: return "model.layers.\(parts[1]).\(layerName(parts[2])).\(parts[3])"
        }
    }

    private static func layerName(_ name: String) -> String {
        switch name {
        case "attn_norm": "input_layernorm"
        case "attn_q": "self_attn.q_proj"
        case "attn_k": "self_attn.k_proj"
        case "attn_v": "self_attn.v_proj"
        case "attn_output": "self_attn.o_proj"
        case "ffn_norm": "post_attention_layernorm"
        case "ffn_gate": "mlp.gate_proj"
        case "ffn_up": "mlp.up_proj"
        default: "mlp.down_proj"
        }
    }
}
