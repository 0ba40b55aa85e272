import Foundation
import ModelFiles
import Tensors
import TestSupport
import Testing

/// Hugging Face folders, which present themselves as GGUF files.
@Suite(.timeLimit(.minutes(15)))
struct FolderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func folder(_ architecture: String = "qwen2") throws -> GGUFFile {
        try TinyFolder(architecture: architecture).write(to: directory.path)
        return try GGUFFile.open(path: directory.path)
    }

    private static func bytes(_ file: GGUFFile, _ name: String) throws -> [UInt8] {
        let tensor = try #require(file.tensor(name))
        return try file.contents(of: tensor, from: 0, count: tensor.byteCount)
    }

    @Test func `presents the tensors of the GGUF file of the same model`() throws {
        let file = try folder()
        let expected = TinyFolder().model.writer().tensors
        #expect(Set(file.tensors.map(\.name)) == Set(expected.map(\.name)))
        for tensor in expected {
            let found = try #require(file.tensor(tensor.name))
            #expect(found.dimensions == tensor.dimensions)
            #expect(found.type == .f32)
            #expect(try Self.bytes(file, tensor.name) == tensor.bytes)
        }
    }

    @Test func `presents the keys of the GGUF file of the same model`() throws {
        let file = try folder()
        let other = try GGUFFile.parse(TinyFolder().model.writer().serialized())
        for key in other.metadata.keys where key.hasPrefix("qwen2.") && !key.hasSuffix("vocab_size")
        {
            guard key != "qwen2.rope.dimension_count" else { continue }
            let integer = try? other.metadata.integer(key)
            if integer != nil {
                #expect(try file.metadata.integer(key) == integer, "\(key)")
            } else {
                #expect(try file.metadata.double(key) == other.metadata.double(key), "\(key)")
            }
        }
        #expect(file.architecture == "qwen2")
        for key in ["tokens", "merges"] {
            let name = "tokenizer.ggml.\(key)"
            let ours = try #require(try file.metadata.strings(name))
            #expect(try Array(ours) == Array(#require(try other.metadata.strings(name))))
        }
        #expect(try file.metadata.string("tokenizer.ggml.pre") == "qwen2")
        #expect(try file.metadata.string("tokenizer.chat_template") == TinyModel.chatML)
        for key in ["bos", "eos"] {
            let name = "tokenizer.ggml.\(key)_token_id"
            #expect(try file.metadata.integer(name) == other.metadata.integer(name))
        }
    }

    @Test(arguments: [
        ("first", true, "start"), ("always", true, nil), ("never", false, nil),
    ])
    func `says where a vocabulary wants a space in front of text`(
        scheme: String,
        addsPrefix: Bool,
        place: String?
    ) throws {
        try TinyFolder().write(to: directory.path)
        let tokenizer: [String: Any] = [
            "pre_tokenizer": [
                "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme,
            ],
            "model": [
                "type": "BPE", "unk_token": "<unk>", "merges": [["▁", "a"]],
                "vocab": ["<unk>": 0, "▁": 1, "a": 2, "▁a": 3],
            ],
        ]
        try JSONSerialization.data(withJSONObject: tokenizer)
            .write(to: URL(fileURLWithPath: "\(directory.path)/tokenizer.json"))
        let metadata = try GGUFFile.open(path: directory.path).metadata
        #expect(try metadata.bool("tokenizer.ggml.add_space_prefix") == addsPrefix)
        #expect(try metadata.string(FolderKeys.spacePrefix) == place)
    }

    @Test func `puts rotary pairs of llama side by side, whatever part is read`() throws {
        let file = try folder("llama")
        let stored = try #require(
            TinyFolder(architecture: "llama").model.writer().tensors
                .first { $0.name == "blk.0.attn_q.weight" }
        )
        let tensor = try #require(file.tensor("blk.0.attn_q.weight"))
        let rowByteCount = tensor.byteCount / tensor.dimensions[1]
        var expected: [UInt8] = []
        for row in 0..<tensor.dimensions[1] {
            let place = row % 64
            let source = row - place + place % 2 * 32 + place / 2
            expected += stored.bytes[source * rowByteCount..<(source + 1) * rowByteCount]
        }
        #expect(try Self.bytes(file, tensor.name) == expected)
        for (start, count) in [
            (0, 1), (rowByteCount - 3, 7), (63 * rowByteCount, 2 * rowByteCount),
        ] {
            let part = try file.contents(of: tensor, from: start, count: count)
            #expect(part == Array(expected[start..<start + count]))
        }
        let untouched = try Self.bytes(file, "blk.0.attn_v.weight")
        #expect(
            untouched
                == TinyFolder(architecture: "llama").model.writer().tensors
                .first { $0.name == "blk.0.attn_v.weight" }?.bytes
        )
    }

    @Test func `marks pieces that begin a word, by code points`() throws {
        try TinyFolder().write(to: directory.path)
        let text = """
            {"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab":
            {"[UNK]": 0, "a": 1, "##b": 2, "##\u{93E}": 3, "##": 4}},
            "normalizer": {"type": "BertNormalizer", "lowercase": false}}
            """
        let path = "\(directory.path)/tokenizer.json"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let file = try GGUFFile.open(path: directory.path)
        let tokens = try #require(try file.metadata.strings("tokenizer.ggml.tokens"))
        #expect(Array(tokens.prefix(5)) == ["[UNK]", "▁a", "b", "\u{93E}", ""])
        #expect(try file.metadata.bool("tokenizer.ggml.normalizer.lowercase") == false)
        #expect(try file.metadata.bool("tokenizer.ggml.normalizer.strip_accents") == false)
    }

    @Test func `opens from descriptors that somebody else opened`() throws {
        try TinyFolder().write(to: directory.path)
        let descriptors = TinyFolder.fileNames.map {
            (name: $0, descriptor: Foundation.open("\(directory.path)/\($0)", O_RDONLY))
        }
        let file = try GGUFFile.open(folder: directory.path, descriptors: descriptors)
        let other = try GGUFFile.open(path: directory.path)
        #expect(file.tensors == other.tensors)
        #expect(try Self.bytes(file, "output.weight") == Self.bytes(other, "output.weight"))
        try file.checkUnchanged()
    }

    @Test func `writes a GGUF file that says the same`() throws {
        let file = try folder()
        let path = "\(directory.path)/copy.gguf"
        try GGUFFileWriter(file).write(to: path)
        let copy = try GGUFFile.open(path: path)
        #expect(copy.metadata.keys == file.metadata.keys)
        #expect(copy.tensors.map(\.name) == file.tensors.map(\.name))
        for tensor in file.tensors {
            #expect(try Self.bytes(copy, tensor.name) == Self.bytes(file, tensor.name))
        }
        #expect(!FileManager.default.fileExists(atPath: path + ".part"))
    }

    @Test(arguments: [TensorType.q8_0, .q6_K, .q4_K, .f16])
    func `quantises as it reads, in whole and in parts`(type: TensorType) throws {
        let file = try folder().quantized(to: type)
        let norm = try #require(file.tensor("output_norm.weight"))
        #expect(norm.type == .f32)
        // 320 columns are no whole number of 256-element blocks.
        let expected = type.blockElementCount == 256 ? TensorType.q8_0 : type
        let embedding = try #require(file.tensor("token_embd.weight"))
        #expect(embedding.type == expected)
        let down = try #require(file.tensor("blk.1.ffn_down.weight"))
        #expect(down.type == type)
        let whole = try Self.bytes(file, down.name)
        let part = try file.contents(of: down, from: 100, count: down.byteCount - 311)
        #expect(part == Array(whole[100..<down.byteCount - 211]))
    }

    @Test(
        arguments: [
            ("config.json", "{\"model_type\": \"mamba\"}", "mamba"),
            ("config.json", "{", "JSON"),
            ("config.json", "{\"model_type\": \"llama\"}", "num_attention_heads"),
            ("tokenizer.json", "{}", "model"),
            ("tokenizer.json", "{\"model\": {\"type\": \"WordLevel\"}}", "WordLevel"),
            (
                "tokenizer.json",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}, \"pre_tokenizer\": "
                    + "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": "
                    + "{\"Regex\": \"a+\"}, \"behavior\": \"Isolated\"}, {\"type\": \"ByteLevel\", "
                    + "\"use_regex\": false}]}}",
                "a+"
            ),
            (
                "model.safetensors.index.json", "{\"weight_map\": {\"a\": \"../x.safetensors\"}}",
                "files"
            ),
            ("model.safetensors.index.json", "{\"weight_map\": {}}", "files"),
        ]
    )
    func `says what is wrong with a file`(name: String, text: String, word: String) throws {
        try TinyFolder().write(to: directory.path)
        try text.write(toFile: "\(directory.path)/\(name)", atomically: true, encoding: .utf8)
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test(arguments: TinyFolder.fileNames.filter { $0 != "tokenizer_config.json" })
    func `names a file that is missing`(name: String) throws {
        try TinyFolder().write(to: directory.path)
        try FileManager.default.removeItem(atPath: "\(directory.path)/\(name)")
        #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
    }
}
