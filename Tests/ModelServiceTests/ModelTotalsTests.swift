import Glibc
import ModelService
import Platform
import TestSupport
import Testing
import WorkerProtocol

@Suite(.timeLimit(.minutes(15))) struct ModelTotalsTests {
    private let start = MonotonicInstant(nanoseconds: 0)

    @Test func `tells the ends of a worker apart`() {
        let crashed = WorkerEnding(started: start)
        #expect(crashed.load == .failed && crashed.isCrash)
        var refused = crashed
        refused.noteLoadFailed("no model")
        #expect(refused.load == .failed && !refused.isCrash && refused.complaint == "no model")
        var stopped = crashed
        stopped.noteStop(.evicted)
        stopped.noteStop(.shutdown)
        #expect(stopped.load == .cancelled && !stopped.isCrash)
        #expect(stopped.unloadReason == .evicted)
        var resident = crashed
        resident.noteReady(now: start.advanced(by: .seconds(2)))
        resident.noteReady(now: start.advanced(by: .seconds(9)))
        #expect(resident.load == .ok && resident.isCrash)
        #expect(resident.loadDuration == .seconds(2))
        resident.noteLoadFailed("no model")
        #expect(resident.load == .ok && resident.isCrash, "too late to say so")
    }

    @Test func `adds up the work of all workers and never counts back`() {
        var totals = ModelTotals()
        totals.noteStatus(WorkerStatus(runningCount: 3, outputTokenTotal: 10), ofWorker: 1)
        totals.noteStatus(WorkerStatus(runningCount: 2, outputTokenTotal: 15), ofWorker: 1)
        #expect(totals.work == WorkerStatus(outputTokenTotal: 15))
        totals.noteEnd(WorkerEnding(started: start), ofWorker: 1)
        #expect(totals.work == WorkerStatus(outputTokenTotal: 15))
        totals.noteStatus(WorkerStatus(outputTokenTotal: 4, stepTotal: .max), ofWorker: 2)
        #expect(totals.work.outputTokenTotal == 19)
        var killed = WorkerEnding(started: start)
        killed.noteOutOfMemory()
        totals.noteEnd(killed, ofWorker: 2)
        totals.noteStatus(WorkerStatus(stepTotal: .max), ofWorker: 3)
        #expect(totals.work.outputTokenTotal == 19 && totals.work.stepTotal == .max)
        #expect(totals.crashCount == 2 && totals.loads == [.failed: 2])
        #expect(totals.outOfMemoryCount == 1)
    }

    @Test func `counts loads, unloads and crashes of real workers`() async throws {
        let fake = try FakeService(models: ["good", "broken", "stuck"])
        #expect(try await fake.answer("a").0 == "a")
        try await fake.service.unload("good")
        try await fake.wait { $0.state == .unloaded && $0.pid == nil }
        #expect(try await fake.answer("b").0 == "b")
        let pid = try #require(try await fake.service.status(named: "good").pid)
        kill(pid, SIGKILL)
        while fake.service.modelTotals["good"]?.crashCount != 1 {
            try await Moment.pass()
        }
        #expect(try await fake.answer("c").0 == "c")
        await #expect(throws: ModelServiceError.self) {
            _ = try await fake.answer("a", model: "broken")
        }
        let waiting = Task { try await fake.answer("a", model: "stuck") }
        try await fake.wait("stuck") { $0.waitingCount == 1 && $0.pid != nil }
        await fake.service.shutdown()
        _ = await waiting.result
        let totals = fake.service.modelTotals
        #expect(totals["good"]?.loads == [.ok: 3] && totals["good"]?.loadDurations.count == 3)
        #expect(totals["good"]?.unloads == [.request: 1, .shutdown: 1])
        #expect(totals["good"]?.crashCount == 1)
        #expect(totals["broken"]?.loads == [.failed: 1] && totals["broken"]?.crashCount == 0)
        #expect(totals["stuck"]?.loads == [.cancelled: 1] && totals["stuck"]?.unloads == [:])
    }
}
