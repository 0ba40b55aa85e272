import KVCache
import Kernels
import ModelFiles
import Sampling
import TestSupport
import Testing
import Tokenizers
import Transformers
import WorkerProtocol

@testable import Inference

/// The engine over the real forward pass.
@Suite(.timeLimit(.minutes(15)))
struct TransformerEngineTests {
    static func pass(_ path: String, threadCount: Int, blockCount: Int) throws -> TransformerPass {
        let file = try GGUFFile.open(path: path)
        let pool = try KernelThreadPool(threadCount: threadCount)
        let transformer = try Transformer.load(file, pool: pool, contextLength: 512)
        let storage = try transformer.makeStorage(blockCount: blockCount)
        return TransformerPass(transformer: transformer, storage: storage)
    }

    @Test(arguments: ["llama", "qwen2"])
    func `a sequence has the same bits alone, among others, in chunks and on more threads`(
        architecture: String
    ) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("tiny.gguf")
        try TinyModel.write(architecture: architecture, types: [.q4_0, .q6_K], to: path)
        let loads = EngineDeterminismTests.loads
        let alone = try EngineDeterminismTests.run(
            loads[0],
            on: Self.pass(path, threadCount: 1, blockCount: loads[0].blockCount)
        )
        for (index, load) in loads.enumerated() {
            let pass = try Self.pass(
                path,
                threadCount: 1 + index % 2,
                blockCount: load.blockCount
            )
            #expect(try EngineDeterminismTests.run(load, on: pass).logprobs == alone.logprobs)
        }
    }

    @Test func `SmolLM2 answers a chat as llama cpp does`() throws {
        let path = try TestModels.path(of: .smolLM2)
        let tokenizer = try Tokenizer(metadata: GGUFFile.open(path: path).metadata)
        let harness = EngineHarness(
            pass: try Self.pass(path, threadCount: 2, blockCount: 16),
            tokenizer: tokenizer
        )
        let prompt = """
            <|im_start|>system
            You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
            <|im_start|>user
            Write one sentence about the sea.<|im_end|>
            <|im_start|>assistant

            """
        let request = GenerationRequest(
            id: 1,
            prompt: .text(prompt),
            sampling: SamplingParameters(temperature: 0),
            maximumOutputTokens: 8
        )
        harness.submit(request, prompt: tokenizer.encode(prompt, specialTokens: true))
        harness.run()
        // llama-server's greedy answer to the same 37 tokens begins with these 8.
        #expect(harness.finish(1)?.usage.promptTokenCount == 37)
        #expect(harness.text(1) == "The sea is a vast and mysterious realm")
    }

    @Test func `SmolLM2 gives the log-probabilities that llama cpp gives`() throws {
        let path = try TestModels.path(of: .smolLM2)
        let tokenizer = try Tokenizer(metadata: GGUFFile.open(path: path).metadata)
        let harness = EngineHarness(
            pass: try Self.pass(path, threadCount: 2, blockCount: 16),
            tokenizer: tokenizer
        )
        let request = GenerationRequest(
            id: 1,
            prompt: .tokens([]),
            sampling: SamplingParameters(temperature: 0),
            maximumOutputTokens: 2,
            topLogprobCount: 5
        )
        harness.submit(request, prompt: tokenizer.encode("The capital of France is"))
        harness.run()
        #expect(harness.text(1) == " Paris.")
        let first = harness.logprobs(1)[0]
        // Measured with llama-server on the same file; both quantise activations.
        let expected: [(String, Float)] = [
            (" Paris", -0.248), (" the", -2.785), (" London", -4.354),
        ]
        // By name: the fourth is so near to the third that their order is a matter of rounding.
        for (text, logprob) in expected {
            let alternative = first.top.first { Array(text.utf8) == Array($0.bytes) }
            #expect(abs((alternative?.logprob ?? -.infinity) - logprob) < 0.25, "\(text)")
        }
    }
}
