import Foundation
import Kernels
import ModelFiles
import Tensors
import TestSupport
import Testing
import Transformers

/// LoRA adapters give what the model gives with the adapter merged into its weights, each row its own.
@Suite(.timeLimit(.minutes(15))) struct AdapterTests {
    private let directory: TemporaryDirectory
    private let tokens = TransformerHarness.tokens(count: 70, seed: 3)

    init() throws { directory = try TemporaryDirectory() }

    /// The largest relative error of logits beside merged weights: both are sums of the same floats in
    /// another order, and where a key or value is rounded to half precision the sums may go apart.
    private static let tolerance = 2e-4

    private func open(
        _ adapter: TinyAdapter,
        for transformer: Transformer,
        changing change: (inout GGUFWriter) -> Void = { _ in }
    ) throws -> Adapter {
        var writer = adapter.writer()
        change(&writer)
        let path = directory.file("adapter-\(adapter.seed).gguf")
        try writer.write(to: path)
        let targets = transformer.adapterTargets
        let file = try GGUFFile.openAdapter(path: path, base: targets.base)
        return try AdapterPlan(file, for: targets).load()
    }

    private static func model(_ architecture: String) -> TinyModel {
        var model = TinyModel()
        model.architecture = architecture
        model.types = [.f32]
        // More than one strip of rows and more than one head of keys.
        model.keyValueHeadCount = 1
        return model
    }

    /// Rotary pairs as neighbours and as halves, fused weights, norms of heads, branches that join
    /// through norms, and a parallel layer.
    @Test(arguments: ["llama", "qwen2", "phi3", "qwen3", "gemma3", "phi2", "olmo2", "gpt-oss"])
    func `an adapter is the model with merged weights`(architecture: String) throws {
        let model = Self.model(architecture)
        var adapter = TinyAdapter(for: model)
        adapter.targets.append("output")
        let harness = try TransformerHarness(TransformerHarness.open(model, in: directory))
        let loaded = try open(adapter, for: harness.transformer)
        let actual = harness.logits([tokens], chunk: 32, adapters: [loaded])[0]
        let plain = harness.logits([tokens], chunk: 32)[0]
        let merged = try TransformerHarness(
            TransformerHarness.open(model, in: directory) { adapter.merge(into: &$0.tensors) }
        )
        let expected = merged.logits([tokens], chunk: 32)[0]
        #expect(relativeError(actual, expected) < Self.tolerance)
        #expect(relativeError(plain, expected) > 0.01, "the adapter changes something")
    }

    @Test(arguments: ["llama", "qwen2"])
    func `a folder of PEFT is the model with merged weights`(architecture: String) throws {
        let folder = TinyFolder(architecture: architecture)
        let adapter = TinyAdapter(for: folder.model)
        let paths = (directory.file("base"), directory.file("adapter"), directory.file("merged"))
        for path in [paths.0, paths.1, paths.2] {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )
        }
        try folder.write(to: paths.0)
        try adapter.writeFolder(to: paths.1)
        try folder.write(to: paths.2, merging: adapter)
        let harness = try TransformerHarness(GGUFFile.open(path: paths.0))
        let targets = harness.transformer.adapterTargets
        let file = try GGUFFile.openAdapter(path: paths.1, base: targets.base)
        let loaded = try AdapterPlan(file, for: targets).load()
        let actual = harness.logits([tokens], chunk: 32, adapters: [loaded])[0]
        let merged = try TransformerHarness(GGUFFile.open(path: paths.2))
        let expected = merged.logits([tokens], chunk: 32)[0]
        #expect(relativeError(actual, expected) < Self.tolerance)
    }

    @Test func `factors in half precision are used as they are`() throws {
        let model = Self.model("llama")
        var adapter = TinyAdapter(for: model)
        adapter.type = .f16
        let harness = try TransformerHarness(TransformerHarness.open(model, in: directory))
        let loaded = try open(adapter, for: harness.transformer)
        let actual = harness.logits([tokens], chunk: 32, adapters: [loaded])[0]
        let merged = try TransformerHarness(
            TransformerHarness.open(model, in: directory) { adapter.merge(into: &$0.tensors) }
        )
        let expected = merged.logits([tokens], chunk: 32)[0]
        #expect(relativeError(actual, expected) < Self.tolerance)
    }

    @Test func `a rank of one and a rank beyond a strip work`() throws {
        let model = Self.model("qwen2")
        let harness = try TransformerHarness(TransformerHarness.open(model, in: directory))
        for rank in [1, 16, 40] {
            var adapter = TinyAdapter(for: model)
            adapter.rank = rank
            let loaded = try open(adapter, for: harness.transformer)
            let actual = harness.logits([tokens], chunk: 7, adapters: [loaded])[0]
            let merged = try TransformerHarness(
                TransformerHarness.open(model, in: directory) { adapter.merge(into: &$0.tensors) }
            )
            let expected = merged.logits([tokens], chunk: 32)[0]
            #expect(relativeError(actual, expected) < Self.tolerance, "rank \(rank)")
        }
    }

    /// Base rows, two adapters, and neighbours with the same one, in quantised weights.
    @Test(arguments: [1, 2, 3], InstructionSet.supported)
    func `a row does not depend on the others in the batch`(
        threads: Int,
        set: InstructionSet
    ) throws {
        var model = Self.model("llama")
        model.types = [.q4_K, .q8_0, .q6_K]
        let file = try TransformerHarness.open(model, in: directory)
        let lengths = [70, 33, 5, 64, 40, 32]
        let sequences = lengths.enumerated().map {
            TransformerHarness.tokens(count: $1, seed: UInt64(100 + $0))
        }
        let alone = try TransformerHarness(file)
        let first = try open(TinyAdapter(for: model, seed: 1), for: alone.transformer)
        let second = try open(TinyAdapter(for: model, seed: 2), for: alone.transformer)
        let adapters = [nil, first, first, second, nil, first]
        let expected = zip(sequences, adapters).map { tokens, adapter in
            bits(alone.logits([tokens], chunk: 512, adapters: [adapter])[0])
        }
        let harness = try TransformerHarness(
            file,
            threadCount: threads,
            instructionSet: set,
            sequenceCount: sequences.count
        )
        for chunk in [512 / sequences.count, 32, 8, 1] {
            let actual = harness.logits(sequences, chunk: chunk, adapters: adapters)
            for index in sequences.indices {
                #expect(bits(actual[index]) == expected[index], "sequence \(index), by \(chunk)")
            }
        }
        let plain = alone.logits([sequences[1]], chunk: 512)[0]
        #expect(bits(plain) != expected[1])
    }

    // MARK: Refusals

    private func refusal(
        of adapter: TinyAdapter,
        for transformer: Transformer,
        changing change: (inout GGUFWriter) -> Void
    ) -> AdapterError? {
        do {
            _ = try open(adapter, for: transformer, changing: change)
            return nil
        } catch {
            return error as? AdapterError
        }
    }

    @Test func `a file that does not fit is refused by name`() throws {
        let model = Self.model("llama")
        let adapter = TinyAdapter(for: model)
        let transformer = try TransformerHarness(
            TransformerHarness.open(model, in: directory)
        ).transformer
        func refusal(_ change: (inout GGUFWriter) -> Void) -> AdapterError? {
            self.refusal(of: adapter, for: transformer, changing: change)
        }
        func setting(_ key: String, _ value: GGUFWriter.Value) -> AdapterError? {
            refusal { writer in
                writer.metadata.removeAll { $0.key == key }
                writer.set(key, value)
            }
        }
        #expect(
            setting("general.architecture", .string("qwen2"))
                == .wrongArchitecture(adapter: "qwen2", model: "llama")
        )
        #expect(setting("general.type", .string("model")) == .noAdapter(type: "model"))
        #expect(setting("adapter.type", .string("ia3")) == .unsupportedKind("ia3"))
        #expect(
            setting("adapter.alora.invocation_tokens", .int32s([1]))
                == .unsupportedKind("activated LoRA")
        )
        #expect(refusal { $0.tensors = [] } == .empty)
        #expect(
            refusal { $0.tensors.remove(at: 1) } == .missingFactor("blk.0.attn_q.weight.lora_b")
        )
        #expect(
            refusal { $0.tensors[0].name = "blk.9.attn_q.weight.lora_a" }
                == .missingFactor("blk.0.attn_q.weight.lora_a")
        )
        #expect(
            refusal {
                $0.tensors[0].name = "blk.9.attn_q.weight.lora_a"
                $0.tensors[1].name = "blk.9.attn_q.weight.lora_b"
            } == .unknownTensor("blk.9.attn_q.weight.lora_a")
        )
        #expect(
            refusal { $0.tensors[0].dimensions = [adapter.rank, 320] }
                == .unsupportedTensor(
                    "blk.0.attn_q.weight.lora_a",
                    reason: "its rank is 320; ranks up to 256 are supported"
                )
        )
        #expect(
            refusal { $0.tensors[1].dimensions.reverse() }
                == .wrongShape(
                    tensor: "blk.0.attn_q.weight.lora_b",
                    expected: [5, 320],
                    actual: [320, 5]
                )
        )
        #expect(
            refusal { writer in
                withUnsafeBytes(of: Float.nan) {
                    writer.tensors[1].bytes.replaceSubrange(0..<4, with: $0)
                }
            } == .factor(.nonFinite(tensor: "blk.0.attn_q.weight.lora_b"))
        )
    }

    @Test func `an adapter of another width is refused`() throws {
        let model = Self.model("llama")
        var wide = model
        wide.embeddingLength = 384
        let transformer = try TransformerHarness(
            TransformerHarness.open(model, in: directory)
        ).transformer
        let refused = refusal(of: TinyAdapter(for: wide), for: transformer) { _ in }
        #expect(
            refused
                == .wrongShape(
                    tensor: "blk.0.attn_q.weight.lora_a",
                    expected: [320, 5],
                    actual: [384, 5]
                )
        )
    }

    @Test(arguments: [
        ("use_dora", "true", "DoRA"), ("bias", "\"all\"", "biases"),
        ("modules_to_save", "[\"lm_head\"]", "modules_to_save"), ("peft_type", "\"IA3\"", "IA3"),
        ("init_lora_weights", "\"pissa_niter_16\"", "pissa"),
        ("alpha_pattern", "{\"q_proj\": 4}", "alpha_pattern"), ("lora_alpha", "0", "lora_alpha"),
    ])
    func `a folder that asks for more than LoRA is refused by name`(
        key: String,
        value: String,
        word: String
    ) throws {
        let folder = TinyFolder(architecture: "llama")
        let path = directory.file("adapter")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let parsed = try JSONSerialization.jsonObject(
            with: Data(value.utf8),
            options: [.fragmentsAllowed]
        )
        try TinyAdapter(for: folder.model).writeFolder(to: path) { $0[key] = parsed }
        let base = AdapterBase(architecture: "llama", headDimension: 64)
        let error = #expect(throws: GGUFError.self) {
            try GGUFFile.openAdapter(path: path, base: base)
        }
        #expect("\(error, default: "")".contains(word))
        #expect("\(error, default: "")".contains("adapter_config.json"))
    }

    @Test func `the scale of rslora is alpha by the root of the rank`() throws {
        let folder = TinyFolder(architecture: "qwen2")
        let path = directory.file("adapter")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var adapter = TinyAdapter(for: folder.model)
        adapter.rank = 4
        adapter.alpha = 6
        try adapter.writeFolder(to: path) { $0["use_rslora"] = true }
        let base = AdapterBase(architecture: "qwen2", headDimension: 64)
        let file = try GGUFFile.openAdapter(path: path, base: base)
        // alpha / rank is what a pair is multiplied with: 6 / √4 = 12 / 4.
        #expect(try file.metadata.double("adapter.lora.alpha") == 12)
    }
}
