import ModelService
import TestSupport
import Testing
import WorkerProtocol

/// What is told of workers that are stuck.
@Suite(.timeLimit(.minutes(15))) struct HealthTests {
    @Test func `names a worker that has fallen silent while others go on`() async throws {
        let fake = try FakeService(models: ["good", "other"]) {
            $0.limits.heartbeatTimeout = .seconds(12)
        }
        let service = fake.service
        let silent = Task { try await fake.answer("!silent") }
        // It may be given up soon after: what is told is taken in one look.
        var trouble: String?
        try await fake.wait {
            trouble = try await service.status(named: "good").trouble
            return trouble != nil
        }
        #expect(trouble?.contains("silent for") == true)
        #expect(try await fake.answer("calm", model: "other").0 == "calm")
        #expect(await service.troubles()["other"] == nil)
        // In the end it is given up, and nothing is wrong any more.
        _ = try await silent.value
        try await fake.wait { await service.troubles().isEmpty }
        await service.shutdown()
    }

    @Test func `names a load that makes no progress before it is given up`() async throws {
        let fake = try FakeService(models: ["stuck"]) {
            // There is a third of it to wait for the trouble, and the rest to see it.
            $0.limits.loadSilenceTimeout = .seconds(24)
        }
        let service = fake.service
        let waiting = Task { try await service.lease("stuck") }
        var trouble: String?
        try await fake.wait {
            trouble = await service.troubles()["stuck"]
            return trouble != nil
        }
        #expect(trouble?.contains("loaded nothing") == true)
        waiting.cancel()
        await service.shutdown()
        _ = await waiting.result
    }

    @Test func `ends a worker whose engine stands still although its heart beats`() async throws {
        let fake = try FakeService { $0.limits.engineStallTimeout = .seconds(2) }
        let (_, last) = try await fake.answer("!hang")
        guard case .failed(let failure) = last else {
            Issue.record("the request fails")
            return
        }
        #expect(failure.kind == .workerDied)
        #expect(failure.message.contains("computed nothing"), "\(failure.message)")
        await fake.service.shutdown()
    }

    @Test func `turns whatever a worker does`() async throws {
        let fake = try FakeService { $0.limits.heartbeatTimeout = .seconds(12) }
        #expect(await fake.service.turn())
        let silent = Task { try await fake.answer("!silent") }
        try await fake.wait { try await fake.service.status(named: "good").trouble != nil }
        #expect(await fake.service.turn(), "the worker is stuck, its supervisor is not")
        _ = try await silent.value
        await fake.service.shutdown()
        #expect(await fake.service.turn())
    }
}
