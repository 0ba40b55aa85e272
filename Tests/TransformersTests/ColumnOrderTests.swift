import Foundation
import Glibc
import Kernels
import ModelFiles
import TestSupport
import Testing
import Transformers

/// Models whose quantised matrices have their inputs in an order of their own.
@Suite(.timeLimit(.minutes(15))) struct ColumnOrderTests {
    private let directory: TemporaryDirectory
    private let tokens = TransformerHarness.tokens(count: 40, seed: 3)

    init() throws { directory = try TemporaryDirectory() }

    /// A folder with groups in any order, as GPTQ makes them with `desc_act`.
    private func folder(
        _ architecture: String = "qwen2",
        bitCount: Int = 4,
        isSymmetric: Bool = true
    ) throws -> GGUFFile {
        var style = TinyGroupedMatrix.Style()
        (style.isScattered, style.bitCount, style.isSymmetric) = (true, bitCount, isSymmetric)
        try TinyFolder(architecture: architecture, groups: style).write(to: directory.path)
        let file = try GGUFFile.open(path: directory.path)
        let ordered = file.tensors.count { $0.columnOrder != nil }
        #expect(ordered == 7 * TinyModel().layerCount, "all matrices of layers have an order")
        return file
    }

    @Test(arguments: ["llama", "qwen2"], [4, 8])
    func `agrees with the reference`(architecture: String, bitCount: Int) throws {
        let file = try folder(architecture, bitCount: bitCount)
        let expected = try ReferenceTransformer(file.inModelOrder()).logits(tokens)
        let actual = try TransformerHarness(file, threadCount: 2).logits([tokens], chunk: 40)[0]
        let error = relativeError(actual, expected)
        #expect(error < ReferenceTests.quantisedBound, "relative error \(error)")
    }

    @Test func `agrees with the reference where there are zero points`() throws {
        let file = try folder(isSymmetric: false)
        let expected = try ReferenceTransformer(file.inModelOrder()).logits(tokens)
        let actual = try TransformerHarness(file, threadCount: 2).logits([tokens], chunk: 7)[0]
        let error = relativeError(actual, expected)
        #expect(error < ReferenceTests.quantisedBound, "relative error \(error)")
    }

    @Test func `is the same for every number of threads, batch and instruction set`() throws {
        let file = try folder()
        let scalar = try TransformerHarness(file, instructionSet: .scalar)
        let expected = bits(scalar.logits([tokens], chunk: 40)[0])
        for set in InstructionSet.supported {
            let harness = try TransformerHarness(file, threadCount: 2, instructionSet: set)
            for chunk in [1, 5, 40] {
                #expect(bits(harness.logits([tokens], chunk: chunk)[0]) == expected, "\(set)")
            }
        }
    }

    @Test func `takes the memory that was planned`() throws {
        let file = try folder()
        let model = try TransformerHarness(file).transformer
        let need = try Transformer.memoryNeed(
            of: file,
            contextLength: 256,
            threadCount: 1,
            logitRowCount: 4
        )
        #expect(need.weightByteCount == model.weightByteCount)
        let halves = try Transformer.memoryNeed(
            of: file.inModelOrder(),
            contextLength: 256,
            threadCount: 1,
            logitRowCount: 4
        )
        #expect(need.weightByteCount < halves.weightByteCount)
    }

    @Test func `an adapter sees inputs as the model has them`() throws {
        let file = try folder()
        let adapter = TinyAdapter(for: TinyFolder().model)
        let path = directory.file("adapter.gguf")
        try adapter.writer().write(to: path)
        func logits(_ file: GGUFFile) throws -> [[Float]] {
            let harness = try TransformerHarness(file)
            let targets = harness.transformer.adapterTargets
            let adapter = try AdapterPlan(
                GGUFFile.openAdapter(path: path, base: targets.base),
                for: targets
            )
            return harness.logits([tokens], chunk: 40, adapters: [try adapter.load()])[0]
        }
        let (actual, expected) = (try logits(file), try logits(file.inModelOrder()))
        let error = relativeError(actual, expected)
        #expect(error < ReferenceTests.quantisedBound, "relative error \(error)")
        let plain = try TransformerHarness(file).logits([tokens], chunk: 40)[0]
        #expect(relativeError(plain, expected) > 2 * ReferenceTests.quantisedBound)
    }

    @Test func `cached weights give the same model, bit for bit`() throws {
        let file = try folder()
        let pool = try KernelThreadPool(threadCount: 2)
        let packed = try TransformerHarness(file)
        let path = directory.file("weights")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        _ = try CachedWeightsWriter.write(
            packed.transformer.matrices,
            identity: "this",
            owning: descriptor
        ) {}
        let cached = try CachedWeights(owning: open(path, O_RDONLY | O_CLOEXEC), identity: "this")
        let mapped = try TransformerHarness(
            Transformer.load(file, cached: cached, pool: pool, contextLength: 256)
        )
        #expect(mapped.transformer.source == .cache)
        #expect(
            bits(mapped.logits([tokens], chunk: 40)[0])
                == bits(packed.logits([tokens], chunk: 40)[0])
        )
    }
}
