import Kernels
import ModelFiles
import TestSupport
import Tensors
import Testing
import Transformers

/// What a file must hold, and what the errors say.
@Suite(.timeLimit(.minutes(15))) struct LoadingTests {
    private func load(
        _ model: TinyModel = TinyModel(),
        changing change: (inout GGUFWriter) -> Void = { _ in }
    ) throws -> Transformer {
        let directory = try TemporaryDirectory()
        let file = try TransformerHarness.open(model, in: directory, changing: change)
        return try Transformer.load(file, pool: KernelThreadPool(threadCount: 2))
    }

    private func replace(_ key: String, _ value: GGUFWriter.Value, in writer: inout GGUFWriter) {
        writer.metadata.removeAll { $0.key == key }
        writer.set(key, value)
    }

    private func edit(
        _ name: String,
        _ change: @escaping (inout GGUFWriter.Tensor) -> Void
    ) -> (inout GGUFWriter) -> Void {
        { writer in
            for index in writer.tensors.indices where writer.tensors[index].name == name {
                change(&writer.tensors[index])
            }
        }
    }

    @Test func `reads the hyper-parameters and reports progress`() throws {
        let directory = try TemporaryDirectory()
        let file = try TransformerHarness.open(TinyModel(), in: directory)
        var fractions: [Double] = []
        let model = try Transformer.load(file, pool: KernelThreadPool(threadCount: 2)) {
            fractions.append($0)
        }
        #expect(model.configuration.architecture == "llama")
        #expect(model.configuration.embeddingLength == 320)
        #expect(model.configuration.headCount == 5)
        #expect(model.configuration.keyValueHeadCount == 1)
        #expect(model.configuration.headDimension == 64)
        #expect(!model.configuration.hasKeyBiases)
        #expect(model.maximumPositionCount == model.configuration.contextLength)
        let need = try Transformer.memoryNeed(
            of: file,
            contextLength: model.maximumPositionCount,
            threadCount: 2,
            logitRowCount: 4
        )
        // Known before anything is loaded, and to the byte.
        #expect(need.weightByteCount == model.weightByteCount && model.weightByteCount > 0)
        #expect(need.scratchByteCount > 0)
        #expect(need.scratchByteCount < model.workspaceByteCount + (64 << 20))
        #expect(fractions == fractions.sorted() && fractions.last == 1)
    }

    @Test func `refuses an architecture without a program`() throws {
        let error = #expect(throws: ModelError.self) {
            try load { replace("general.architecture", .string("mamba"), in: &$0) }
        }
        guard case .unsupportedArchitecture("mamba", let supported) = error else {
            Issue.record("another error: \(error.map(\.description) ?? "none")")
            return
        }
        #expect(Set(supported).isSuperset(of: TinyArchitecture.all.map(\.0)))
    }

    @Test func `refuses experts where there is no program for them`() throws {
        var model = TinyModel()
        model.architecture = "qwen3"
        let error = #expect(throws: ModelError.self) {
            try load(model) { $0.set("qwen3.expert_count", .uint32(8)) }
        }
        #expect(error?.description.contains("qwen3.expert_count") ?? false)
    }

    @Test func `names a missing tensor`() throws {
        #expect(throws: ModelError.missingTensor("blk.1.ffn_up.weight")) {
            try load { $0.tensors.removeAll { $0.name == "blk.1.ffn_up.weight" } }
        }
    }

    @Test func `asks for the biases of qwen2`() throws {
        var model = TinyModel()
        model.architecture = "qwen2"
        #expect(throws: ModelError.missingTensor("blk.0.attn_k.bias")) {
            try load(model) { $0.tensors.removeAll { $0.name == "blk.0.attn_k.bias" } }
        }
    }

    @Test func `names a tensor that would be left out`() throws {
        #expect(
            throws: ModelError.unexpectedTensor("blk.0.attn_q_norm.weight", architecture: "llama")
        ) {
            try load { writer in
                writer.tensors.append(
                    GGUFWriter.Tensor(
                        name: "blk.0.attn_q_norm.weight",
                        type: .f32,
                        dimensions: [64],
                        bytes: [UInt8](repeating: 0, count: 256)
                    )
                )
            }
        }
    }

    @Test func `names a tensor of the wrong shape`() throws {
        #expect(
            throws: ModelError.wrongShape(
                tensor: "output_norm.weight",
                expected: [320],
                actual: [319]
            )
        ) {
            try load(
                changing: edit("output_norm.weight") {
                    $0.dimensions = [319]
                    $0.bytes.removeLast(4)
                }
            )
        }
    }

    @Test func `names a tensor with an infinite scale`() throws {
        #expect(throws: ModelError.nonFinite(tensor: "blk.1.attn_v.weight")) {
            try load(
                changing: edit("blk.1.attn_v.weight") {
                    $0.bytes[0] = 0
                    $0.bytes[1] = 0x7c
                }
            )
        }
        #expect(throws: ModelError.nonFinite(tensor: "blk.0.ffn_norm.weight")) {
            try load(
                changing: edit("blk.0.ffn_norm.weight") { tensor in
                    tensor.bytes.replaceSubrange(4..<8, with: [0, 0, 0xc0, 0x7f])
                }
            )
        }
    }

    @Test(
        arguments: [
            ("llama.rope.scaling.type", GGUFWriter.Value.string("spiral")),
            ("llama.expert_count", .uint32(5000)),
            ("llama.attention.head_count_kv", .uint32(2)),
            ("llama.attention.head_count", .uint32(3)),
            ("llama.rope.dimension_count", .uint32(63)),
            ("llama.block_count", .uint32(0)),
            ("llama.attention.key_length", .uint32(24)),
            ("llama.attention.head_count", .int32s([5])),
            ("llama.attention.head_count", .int32s([5, 5, 5])),
            ("llama.attention.head_count", .int32s([5, 1])),
            ("llama.feed_forward_length", .int32s([])),
        ]
    )
    func `names a key that is not supported`(key: String, value: GGUFWriter.Value) throws {
        let error = #expect(throws: ModelError.self) { try load { replace(key, value, in: &$0) } }
        #expect(error?.description.contains(key) ?? false, "\(error.map(\.description) ?? "none")")
    }
}
