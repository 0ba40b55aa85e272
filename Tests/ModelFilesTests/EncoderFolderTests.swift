import Foundation
import ModelFiles
import TestSupport
import Testing

/// Folders of encoders, which present themselves as GGUF files.
@Suite(.timeLimit(.minutes(15)))
struct EncoderFolderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private static let architectures = ["nomic-bert", "jina-bert-v2", "modern-bert"]

    private func folder(
        _ architecture: String,
        changing change: (inout [String: Any]) -> Void = { _ in }
    ) throws -> (file: GGUFFile, expected: TinyEncoderFolder) {
        var encoder = TinyEncoder()
        encoder.architecture = architecture
        encoder.layerCount = 4
        let folder = TinyEncoderFolder(encoder)
        try folder.write(to: directory.path, changing: change)
        return (try GGUFFile.open(path: directory.path), folder)
    }

    @Test(arguments: architectures) func `presents the tensors of the GGUF file`(
        architecture: String
    ) throws {
        let (file, folder) = try folder(architecture)
        #expect(Set(file.tensors.map(\.name)) == Set(folder.tensors.map(\.name)))
        for tensor in folder.tensors {
            let found = try #require(file.tensor(tensor.name))
            #expect(found.dimensions == tensor.dimensions)
            #expect(try file.contents(of: found, from: 0, count: found.byteCount) == tensor.bytes)
        }
    }

    @Test(arguments: architectures) func `presents the keys of the GGUF file`(
        architecture: String
    ) throws {
        let (file, folder) = try folder(architecture)
        #expect(file.architecture == architecture)
        let other = try GGUFFile.parse(folder.encoder.writer().serialized())
        for key in other.metadata.keys
        where key.hasPrefix("\(architecture).") && !key.hasSuffix("pooling_type") {
            if let integer = try? other.metadata.integer(key) {
                #expect(try file.metadata.integer(key) == integer, "\(key)")
            } else {
                #expect(try file.metadata.double(key) == other.metadata.double(key), "\(key)")
            }
        }
    }

    @Test(arguments: [
        (["full_attention", "sliding_attention", "full_attention", "sliding_attention"], 2),
        (["full_attention", "sliding_attention", "sliding_attention", "full_attention"], nil),
    ])
    func `reads which of ModernBERT's layers see everything from a list of them`(
        types: [String],
        period: Int?
    ) throws {
        let metadata = try folder("modern-bert") { configuration in
            configuration["global_attn_every_n_layers"] = nil
            configuration["layer_types"] = types
            configuration["global_rope_theta"] = nil
            configuration["local_rope_theta"] = nil
            configuration["rope_parameters"] = [
                "full_attention": ["rope_theta": 7000.0, "rope_type": "default"],
                "sliding_attention": ["rope_theta": 500.0, "rope_type": "default"],
            ]
        }.file.metadata
        let key = "modern-bert.attention.sliding_window_pattern"
        #expect(try metadata.integer(key) == period)
        #expect(try metadata.double("modern-bert.rope.freq_base") == 7000)
        #expect(try metadata.double("modern-bert.rope.freq_base_swa") == 500)
    }

    @Test(arguments: ["norm_eps", "layer_norm_eps", nil])
    func `reads the epsilon of ModernBERT's norms by either name`(name: String?) throws {
        let metadata = try folder("modern-bert") { configuration in
            configuration["norm_eps"] = nil
            if let name { configuration[name] = 0.25 }
        }.file.metadata
        let key = "modern-bert.attention.layer_norm_epsilon"
        #expect(try metadata.double(key) == Double(name == nil ? Float(1e-5) : 0.25))
    }

    @Test(arguments: [
        ("modern-bert", "layer_types", "sliding_attention"),
        ("modern-bert", "hidden_activation", "relu"),
        ("nomic-bert", "activation_function", "gelu"), ("nomic-bert", "prenorm", "true"),
        ("nomic-bert", "moe_every_n_layers", "2"), ("nomic-bert", "rotary_emb_fraction", "0.5"),
        ("jina-bert-v2", "feed_forward_type", "reglu"),
        ("bert", "position_embedding_type", "relative_key"),
    ])
    func `refuses what cannot be served, naming it`(
        architecture: String,
        key: String,
        text: String
    ) throws {
        var value: Any = text
        if let number = Double(text) { value = number }
        if let flag = Bool(text) { value = flag }
        if key == "layer_types" { value = Array(repeating: text, count: 4) }
        let error = #expect(throws: GGUFError.self) {
            _ = try folder(architecture) { $0[key] = value }
        }
        let words = ["moe_every_n_layers": "experts", "rotary_emb_fraction": "rotates"]
        #expect(error?.description.contains(words[key] ?? key) == true)
    }

    // MARK: EmbeddingGemma

    private func gemma(changing change: (inout [String: Any]) -> Void = { _ in }) throws {
        func norm(_ name: String) -> (String, String, [Int], [UInt8]) {
            (name, "F32", [8], Array(repeating: 0, count: 32))
        }
        var tensors = [
            ("embed_tokens.weight", "F32", [270, 8], [UInt8](repeating: 0, count: 270 * 32)),
            norm("norm.weight"),
        ]
        for name in [
            "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ] { tensors.append(norm("layers.0.\(name).weight")) }
        try write(
            "model.safetensors",
            TinyFolder.safetensors(
                tensors.map { (name: $0.0, type: $0.1, shape: $0.2, bytes: $0.3) }
            )
        )
        var configuration: [String: Any] = [
            "model_type": "gemma3_text", "use_bidirectional_attention": true, "hidden_size": 8,
            "num_hidden_layers": 1, "intermediate_size": 12, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 64,
            "sliding_window": 12, "query_pre_attn_scalar": 16,
        ]
        change(&configuration)
        try write("config.json", Array(try JSONSerialization.data(withJSONObject: configuration)))
        try write(
            "tokenizer.json",
            Array(#"{"model": {"type": "WordPiece", "vocab": {"a": 0}}}"#.utf8)
        )
        for (folder, rows, columns) in [("2_Dense", 3, 8), ("3_Dense", 8, 3)] {
            try FileManager.default.createDirectory(
                atPath: directory.file(folder),
                withIntermediateDirectories: true
            )
            let bytes = (0..<rows * columns * 4).map { UInt8($0 % 100) }
            try write(
                "\(folder)/model.safetensors",
                TinyFolder.safetensors([("linear.weight", "F32", [rows, columns], bytes)])
            )
        }
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: directory.file(name)))
    }

    @Test func `EmbeddingGemma is Gemma 3 that sees everything, with two products`() throws {
        try gemma()
        let file = try GGUFFile.open(path: directory.path)
        #expect(file.architecture == "gemma-embedding")
        #expect(try file.metadata.integer("gemma-embedding.attention.sliding_window") == 12)
        #expect(file.tensor("dense_2.weight")?.dimensions == [8, 3])
        #expect(try file.metadata.integer("gemma-embedding.dense_2_feat_out") == 3)
        let third = try #require(file.tensor("dense_3.weight"))
        #expect(third.dimensions == [3, 8])
        #expect(
            try file.contents(of: third, from: 0, count: 96) == (0..<96).map { UInt8($0 % 100) }
        )
        // Norms multiply by one more than their weights.
        let norm = try #require(file.tensor("blk.0.post_attention_norm.weight"))
        #expect(try file.contents(of: norm, from: 0, count: 4) == [0, 0, 0x80, 0x3F])
    }

    @Test func `products behind the pooling of another model are refused`() throws {
        try gemma { $0["use_bidirectional_attention"] = false }
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
        #expect(error?.description.contains("2_Dense") == true)
    }

    @Test(arguments: [("mean", 1), ("cls", 2), ("lasttoken", 3)])
    func `reads the pooling as later versions say it`(name: String, number: Int) throws {
        try gemma()
        try FileManager.default.createDirectory(
            atPath: directory.file("1_Pooling"),
            withIntermediateDirectories: true
        )
        try write("1_Pooling/config.json", Array(#"{"pooling_mode": "\#(name)"}"#.utf8))
        let metadata = try GGUFFile.open(path: directory.path).metadata
        #expect(try metadata.integer("gemma-embedding.pooling_type") == number)
    }
}
