import KVCache
import Kernels
import ModelFiles
import TestSupport
import Tensors
import Testing
import Transformers

/// What holds for llama holds for every architecture.
@Suite(.timeLimit(.minutes(15))) struct ArchitectureTests {
    private static func tiny(_ name: String) -> TinyModel {
        var model = TinyModel()
        model.architecture = name
        model.types = [.q8_0, .f16, .q4_0]
        model.embeddingLength = 128
        model.headDimension = 32
        model.keyValueHeadCount = 2
        model.feedForwardLength = 96
        model.layerCount = 4
        return model
    }

    /// One sequence longer than a tile of attention, so that windows skip some.
    private static let sequences: [[Int32]] = [90, 33, 5].enumerated().map {
        TransformerHarness.tokens(count: $1, seed: UInt64(200 + $0))
    }

    @Test(arguments: TinyArchitecture.all.map(\.0))
    func `logits do not depend on batch, threads, chunks or instruction set`(
        name: String
    ) throws {
        let directory = try TemporaryDirectory()
        let file = try TransformerHarness.open(Self.tiny(name), in: directory)
        let alone = try TransformerHarness(file, instructionSet: .scalar)
        let expected = Self.sequences.map { alone.logits([$0], chunk: 512)[0] }
        for (threads, chunk, set) in [(2, 512, InstructionSet.best), (3, 8, .best), (1, 1, .best)] {
            let harness = try TransformerHarness(
                file,
                threadCount: threads,
                instructionSet: set,
                sequenceCount: Self.sequences.count
            )
            let actual = harness.logits(Self.sequences, chunk: chunk)
            for index in Self.sequences.indices {
                #expect(
                    bits(actual[index]) == bits(expected[index]),
                    "sequence \(index), \(threads) threads, chunks of \(chunk)"
                )
            }
        }
    }

    @Test(arguments: TinyArchitecture.all.map(\.0))
    func `the memory of the weights is known to the byte before they are loaded`(
        name: String
    ) throws {
        let directory = try TemporaryDirectory()
        let file = try TransformerHarness.open(Self.tiny(name), in: directory)
        for output in [Transformer.Output.logits, .hiddenStates] {
            let pool = try KernelThreadPool(threadCount: 1)
            let model = try Transformer.load(file, pool: pool, output: output)
            let need = try Transformer.memoryNeed(
                of: file,
                output: output,
                contextLength: model.maximumPositionCount,
                threadCount: 1,
                logitRowCount: 4
            )
            #expect(need.weightByteCount == model.weightByteCount, "\(output)")
            let hasBiases = TinyArchitecture.named(name).biases != .none
            #expect(model.configuration.hasKeyBiases == hasBiases)
        }
    }

    @Test(arguments: TinyArchitecture.all.map(\.0))
    func `a tensor that is missing or left over is named`(name: String) throws {
        let directory = try TemporaryDirectory()
        let names = Self.tiny(name).writer().tensors.map(\.name)
        // Norms and biases of some kinds are optional; products and most norms are not.
        let needed = names.filter { $0.hasPrefix("blk.3.") && $0.contains("_norm.weight") == false }
            .filter { $0.hasSuffix(".weight") && !$0.contains("qkv") }
        for missing in needed {
            let file = try TransformerHarness.open(Self.tiny(name), in: directory) { writer in
                writer.tensors.removeAll { $0.name == missing }
            }
            #expect(throws: ModelError.self, "\(missing)") { try ModelConfiguration(file) }
        }
        let file = try TransformerHarness.open(Self.tiny(name), in: directory) { writer in
            var extra = writer.tensors[0]
            extra.name = "blk.0.ffn_extra.weight"
            writer.tensors.append(extra)
        }
        #expect(
            throws: ModelError.unexpectedTensor("blk.0.ffn_extra.weight", architecture: name)
        ) { try ModelConfiguration(file) }
    }
}
