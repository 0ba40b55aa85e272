import Kernels
import KVCache
import ModelFiles
import TestSupport
import Testing
import Transformers

/// Greedy continuations of real models, as llama.cpp (b11434) computes them: with the file's weights
/// in single precision for SmolLM2, where 8-bit activations are too near a tie, and with the file
/// itself for Qwen2.5 and Gemma 3.
@Suite(.timeLimit(.minutes(15))) struct RealModelTests {
    private func continuation(
        _ model: TestModels,
        of prompt: [Int32],
        count: Int
    ) throws -> [Int32] {
        let file = try GGUFFile.open(path: TestModels.path(of: model))
        let transformer = try Transformer.load(file, pool: KernelThreadPool(), contextLength: 128)
        let storage = try transformer.makeStorage(blockCount: 4)
        var tokens = prompt
        var computed = 0
        while tokens.count < prompt.count + count {
            let entry = ForwardBatch.Entry(
                tokens: tokens[computed...],
                firstPosition: computed,
                blockTable: [0, 1, 2, 3],
                logits: .last
            )
            transformer.forward(ForwardBatch(entries: [entry]), cache: storage)
            computed = tokens.count
            let logits = transformer.logits(row: 0)
            let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
            tokens.append(Int32(best))
        }
        return Array(tokens.dropFirst(prompt.count))
    }

    @Test func `SmolLM2 says what the capital of France is`() throws {
        let output = try continuation(.smolLM2, of: [1, 504, 3575, 282, 4649, 314], count: 20)
        #expect(
            output == [
                7042, 30, 198, 198, 504, 3575, 282, 260, 1797, 1918, 314, 1315, 2863, 4206, 30,
                198, 198, 504, 3575, 282,
            ]
        )
    }

    @Test func `Qwen2 says what the capital of France is`() throws {
        let output = try continuation(.qwen25Coder, of: [785, 6722, 315, 9625, 374], count: 20)
        #expect(
            output == [
                12095, 13, 12095, 374, 7407, 304, 279, 10200, 30282, 949, 315, 9625, 13, 576,
                6722, 315, 9625, 374, 7407, 304,
            ]
        )
    }

    @Test func `Gemma 3 says what the capital of France is`() throws {
        let output = try continuation(.gemma3, of: [2, 818, 5279, 529, 7001, 563], count: 11)
        #expect(
            output == [506, 5279, 529, 506, 2891, 529, 7001, 236_761, 1030, 563, 506]
        )
    }
}
