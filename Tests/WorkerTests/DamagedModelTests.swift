import Foundation
import Platform
import Sampling
import TestSupport
import Testing
import WorkerProtocol

/// Hostile model files in real workers: each is loaded or refused with a reason, none kills.
///
/// `TORII_MUTANTS` says how many are tried, `TORII_MUTANT_SEED` which.
@Suite(.timeLimit(.minutes(30)))
struct DamagedModelTests {
    private static func number(_ variable: String) -> Int? {
        ProcessInfo.processInfo.environment[variable].flatMap { Int($0) }
    }

    @Test(arguments: ["llama", "qwen2"])
    func `a damaged model is loaded or refused in words`(architecture: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("mutant.gguf")
        var model = TinyModel()
        model.architecture = architecture
        model.types = architecture == "llama" ? [.q4_0, .f16, .q8_0] : [.q4_K, .q6_K, .f32]
        model.embeddingLength = 64
        model.headDimension = 16
        model.feedForwardLength = 256
        model.layerCount = 1
        let seed = UInt64(Self.number("TORII_MUTANT_SEED") ?? 1)
        var mutations = ModelMutations(of: model, seed: seed)
        for mutant in mutations.mutants(Self.number("TORII_MUTANTS") ?? 40) {
            try Data(mutant.bytes).write(to: URL(fileURLWithPath: path))
            try Self.check(mutant.name, path)
        }
    }

    private static func check(_ name: String, _ path: String) throws {
        let worker = try WorkerProcessConversation(
            WorkerLoadOptions(modelPath: path, threadCount: 2)
        )
        var isAnswered = false
        while !isAnswered, let message = try worker.next() {
            switch message {
            case .ready:
                try worker.send(
                    .generate(
                        GenerationRequest(
                            id: 1,
                            prompt: .text("hello in the system"),
                            sampling: SamplingParameters(seed: 1),
                            maximumOutputTokens: 8,
                            ignoresEndOfGeneration: true,
                            topLogprobCount: 2,
                            echo: true
                        )
                    )
                )
            case .event(_, let event): isAnswered = event.isLast
            case .loadFailed(let reason):
                isAnswered = true
                #expect(!reason.isEmpty, "\(name)")
            default: break
            }
        }
        let peak = worker.peakByteCount
        #expect(isAnswered, "\(name): no answer")
        #expect(worker.end() == .exited(code: 0), "\(name)")
        #expect(peak ?? 0 < 512 << 20, "\(name): \(peak ?? 0) bytes of memory")
    }
}
