import Kernels
import ModelFiles
import TestSupport
import Tensors
import Testing
import Transformers

/// The fast forward pass against the readable one.
@Suite(.timeLimit(.minutes(15))) struct ReferenceTests {
    /// Float weights: what remains is rounding to single precision, which now and then rounds a key
    /// or value to another half.
    static let floatBound = 1e-3
    /// Quantised weights: the activations are 8-bit integers with a scale to each 32.
    static let quantisedBound = 3e-2

    static let types: [TensorType] = [
        .f32, .f16, .bf16, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_K, .q5_K, .q6_K,
    ]

    private func check(_ model: TinyModel, bound: Double, tokenCount: Int = 40) throws {
        let directory = try TemporaryDirectory()
        let file = try TransformerHarness.open(model, in: directory)
        let tokens = TransformerHarness.tokens(count: tokenCount, seed: 3)
        let expected = try ReferenceTransformer(file).logits(tokens)
        let harness = try TransformerHarness(file, threadCount: 2)
        let actual = harness.logits([tokens], chunk: tokenCount)[0]
        let error = relativeError(actual, expected)
        #expect(error < bound, "relative error \(error)")
    }

    @Test(arguments: types, ["llama", "qwen2"])
    func `agrees with the reference`(type: TensorType, architecture: String) throws {
        var model = TinyModel()
        model.architecture = architecture
        model.types = [type]
        // Rows of whole groups of 256 for the K types.
        model.embeddingLength = 256
        model.headDimension = 32
        model.keyValueHeadCount = 2
        let isFloat = [TensorType.f32, .f16, .bf16].contains(type)
        try check(model, bound: isFloat ? Self.floatBound : Self.quantisedBound, tokenCount: 24)
    }

    @Test(arguments: TinyArchitecture.all.map(\.0), [TensorType.f32, .q8_0])
    func `agrees for every architecture`(name: String, type: TensorType) throws {
        var model = TinyModel()
        model.architecture = name
        model.types = [type]
        model.embeddingLength = 128
        model.headDimension = 32
        model.keyValueHeadCount = 2
        model.feedForwardLength = 96
        model.layerCount = 4
        // With 8-bit activations some tokens take another expert where two are nearly equal.
        let isMixture = TinyArchitecture.named(name).experts != nil
        let bound = isMixture ? 5 * Self.quantisedBound : Self.quantisedBound
        try check(model, bound: type == .f32 ? Self.floatBound : bound)
    }

    @Test func `agrees for experts in MXFP4, as gpt-oss has them`() throws {
        var model = TinyModel()
        model.architecture = "gpt-oss"
        model.types = [.mxfp4]
        model.embeddingLength = 128
        model.headDimension = 32
        model.keyValueHeadCount = 2
        try check(model, bound: 5 * Self.quantisedBound)
    }

    @Test func `agrees with mixed types, a tail group and tied embeddings`() throws {
        var model = TinyModel()
        model.types = [.q4_K, .q8_0, .q6_K, .q5_0, .f16, .q4_1]
        model.isTied = true
        model.embeddingLength = 320
        model.keyValueHeadCount = 5
        try check(model, bound: Self.quantisedBound)
    }

    @Test func `agrees beyond a tile of 64 positions`() throws {
        var model = TinyModel()
        model.architecture = "qwen2"
        model.types = [.f32]
        model.layerCount = 1
        try check(model, bound: Self.floatBound, tokenCount: 150)
    }

    @Test func `agrees with rotary factors and linear scaling`() throws {
        let directory = try TemporaryDirectory()
        var model = TinyModel()
        model.types = [.f32]
        let file = try TransformerHarness.open(model, in: directory) { writer in
            writer.set("llama.rope.scaling.type", .string("linear"))
            writer.set("llama.rope.scaling.factor", .float32(4))
            let factors = (0..<32).flatMap { index in
                withUnsafeBytes(of: (1 + Float(index) / 4).bitPattern.littleEndian, Array.init)
            }
            writer.tensors.append(
                GGUFWriter.Tensor(
                    name: "rope_freqs.weight",
                    type: .f32,
                    dimensions: [32],
                    bytes: factors
                )
            )
        }
        let tokens = TransformerHarness.tokens(count: 40, seed: 5)
        let expected = try ReferenceTransformer(file).logits(tokens)
        let actual = try TransformerHarness(file).logits([tokens], chunk: 40)[0]
        #expect(relativeError(actual, expected) < Self.floatBound)
    }
}
