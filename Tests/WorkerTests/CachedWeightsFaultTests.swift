import Glibc
import Platform
import Synchronization
import TestSupport
import Testing
import WorkerProtocol

@testable import Worker

/// What a failing disk does to a model whose packed weights another worker has left.
@Suite(.timeLimit(.minutes(15))) struct CachedWeightsFaultTests {
    private func load(_ path: String, cached: String? = nil) throws -> LoadedModel {
        let options = WorkerLoadOptions(
            modelPath: path,
            cachedWeights: cached.map { open($0, O_RDONLY | O_CLOEXEC) },
            threadCount: 2
        )
        return try LoadedModel.load(
            options,
            instructionSet: .selected(),
            surroundings: .now()
        )
    }

    /// Writes a model's packed weights, from which all answers follow, to a file as its worker does.
    private func keep(_ model: LoadedModel, in path: String) throws -> [UInt8] {
        let outcome = Outcome(ended: try WakeUp())
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try model.weights.keep(in: descriptor) { result in
            outcome.hasFailed.withLock { if case .failure = result { $0 = true } }
            outcome.ended.signal()
        }
        outcome.ended.wait(until: nil)
        #expect(outcome.hasFailed.withLock { !$0 })
        return try Files.contents(of: path, maximumByteCount: 64 << 20)
    }

    private final class Outcome: Sendable {
        let hasFailed = Mutex(false)
        let ended: WakeUp

        init(ended: WakeUp) { self.ended = ended }
    }

    @Test(arguments: [EIO, ENOMEM])
    func `it loads and is the same, whichever step of mapping them fails`(code: Int32) throws {
        try WorkerTests.withModel { path in
            let kept = path + ".weights"
            let expected = try keep(load(path), in: kept)
            var number = 1
            while true {
                let plan = FaultPlan(failing: number, code: code, path: "cached weights")
                let model = try FaultPlan.$current.withValue(plan) { try load(path, cached: kept) }
                #expect(try keep(model, in: path + ".again") == expected, "step \(number)")
                guard plan.hasStruck else {
                    #expect(model.weights.wereCached)
                    break
                }
                guard case .unreadable(let error)? = model.weights.problem, error.code == code,
                    !model.weights.wereCached
                else {
                    Issue.record("step \(number) is passed over")
                    return
                }
                number += 1
            }
            #expect(
                number == 5,
                "the file's state, its footer and its index are read, and it is mapped"
            )
        }
    }
}
