import Glibc
import ModelService
import Synchronization
import Telemetry
import TestSupport
import Testing
import WorkerProtocol

/// Models that come and go, with worker processes that say what they need in their names.
@Suite(.timeLimit(.minutes(15))) struct ResidencyTests {
    private static let gibibyte = 1 << 30

    private func service(
        _ models: [String],
        budget: Int,
        log: LogSink = .none,
        change: (inout ModelServiceConfiguration) -> Void = { _ in }
    ) throws -> FakeService {
        try FakeService(models: models, log: log) { configuration in
            configuration.memoryByteCount = budget * Self.gibibyte
            configuration.limits.residency = ResidencyPolicy(
                minimumResidence: .zero,
                maximumSwapWait: .seconds(1),
                reclaimTime: .milliseconds(50)
            )
            change(&configuration)
        }
    }

    @Test func `evicts the idle model whose memory suffices, and only that one`() async throws {
        let fake = try service(["a-needs-1", "b-needs-6", "c-needs-5"], budget: 10)
        _ = try await fake.answer("one", model: "a-needs-1")
        _ = try await fake.answer("two", model: "b-needs-6")
        let events = try #require(fake.service.watch())
        #expect(try await fake.answer("three", model: "c-needs-5").0 == "three")
        let states = await fake.service.status().map(\.state)
        #expect(states[0] == .resident && states[2] == .resident)
        try await fake.wait("b-needs-6") { $0.state == .unloaded }
        #expect(try await fake.service.status(named: "b-needs-6").totals.evictionCount == 1)
        fake.service.endWatches()
        var evictions: [ModelEvent] = []
        for await event in events {
            if case .eviction = event.kind { evictions.append(event) }
        }
        #expect(evictions.map(\.model) == ["b-needs-6"])
        await fake.service.shutdown()
    }

    @Test func `refuses what can never fit, starts no worker for it twice and evicts nobody`()
        async throws
    {
        let fake = try service(["a-needs-6", "b-needs-12"], budget: 10)
        _ = try await fake.answer("one", model: "a-needs-6")
        for _ in 0..<2 {
            let error = await #expect(throws: ModelServiceError.self) {
                try await fake.service.lease("b-needs-12")
            }
            guard case .insufficientMemory("b-needs-12", let plan) = error else {
                Issue.record("not the plan: \(String(describing: error))")
                return
            }
            #expect(plan.neededByteCount == 12 * Self.gibibyte)
            #expect(plan.missingByteCount == 2 * Self.gibibyte && plan.room.limit == .budget)
            try await fake.wait("b-needs-12") { $0.state == .unloaded }
        }
        #expect(try await fake.service.status(named: "a-needs-6").state == .resident)
        #expect(try await fake.service.status(named: "b-needs-12").pid == nil)
        await fake.service.shutdown()
    }

    @Test func `waits for a running request, and closes its model once it has waited for too long`()
        async throws
    {
        let fake = try service(["a-needs-6", "b-needs-6"], budget: 10)
        let service = fake.service
        let running = try await service.lease("a-needs-6")
        let cold = Task { try await service.lease("b-needs-6") }
        try await fake.wait("a-needs-6") { $0.state == .draining }
        // A newcomer waits, the running one goes on.
        let newcomer = Task { try await service.lease("a-needs-6") }
        try await fake.wait("a-needs-6") { $0.waitingCount == 1 }
        #expect(try await running.detokenize([97]) == "a")
        #expect(try await service.status(named: "b-needs-6").state == .waiting)
        withExtendedLifetime(running) {}
        await fake.service.shutdown()
        _ = await (cold.result, newcomer.result)
    }

    @Test func `lets two models that cannot be resident together take turns`() async throws {
        let fake = try service(["a-needs-6", "b-needs-6"], budget: 10) {
            $0.limits.residency.maximumSwapWait = .milliseconds(100)
        }
        for round in 0..<3 {
            for model in ["a-needs-6", "b-needs-6"] {
                #expect(try await fake.answer("round \(round)", model: model).0 == "round \(round)")
            }
        }
        let totals = await fake.service.status().map(\.totals)
        #expect(totals.map { $0.loads[.ok] } == [3, 3])
        #expect(totals.map(\.evictionCount) == [3, 2])
        #expect(fake.service.memory.heldByteCount == 6 * Self.gibibyte)
        await fake.service.shutdown()
        #expect(fake.service.memory.heldByteCount == 0)
    }

    @Test func `shrinks caches before it evicts`() async throws {
        let fake = try service(["a-needs-2", "b-needs-6"], budget: 10)
        #expect(try await fake.answer("!memory 4294967296", model: "a-needs-2").0 == "4294967296")
        #expect(try await fake.answer("b", model: "b-needs-6").0 == "b")
        let states = await fake.service.status().map(\.state)
        #expect(states == [.resident, .resident])
        await fake.service.shutdown()
    }

    @Test func `loads several models at the same time when there is room`() async throws {
        let fake = try service(["a-stuck-needs-2", "b-stuck-needs-2", "c-needs-2"], budget: 10)
        let service = fake.service
        let stuck = ["a-stuck-needs-2", "b-stuck-needs-2"].map { model in
            Task { try await service.lease(model) }
        }
        #expect(try await fake.answer("c", model: "c-needs-2").0 == "c")
        try await fake.wait("a-stuck-needs-2") { $0.state == .loading(fraction: 0.5) }
        try await fake.wait("b-stuck-needs-2") { $0.state == .loading(fraction: 0.5) }
        await fake.service.shutdown()
        for task in stuck { _ = await task.result }
    }

    @Test func `ends a load that makes no progress although its heart beats`() async throws {
        let fake = try service(["stuck"], budget: 10) {
            $0.limits.loadSilenceTimeout = .milliseconds(700)
        }
        let error = await #expect(throws: ModelServiceError.self) {
            try await fake.service.lease("stuck")
        }
        guard case .loadFailed(_, let message, _) = error else {
            Issue.record("the load ends: \(String(describing: error))")
            return
        }
        #expect(message.contains("no progress"))
        await fake.service.shutdown()
    }

    @Test func `never evicts a pinned model`() async throws {
        let fake = try service(["a-needs-6", "b-needs-6"], budget: 10)
        _ = try await fake.answer("a", model: "a-needs-6")
        try await fake.service.pin("a-needs-6", true)
        await #expect(throws: ModelServiceError.self) { try await fake.service.lease("b-needs-6") }
        try await fake.service.pin("a-needs-6", false)
        #expect(try await fake.answer("b", model: "b-needs-6").0 == "b")
        await fake.service.shutdown()
    }

    @Test func `unloads an idle model when its time is over, as the last request said`()
        async throws
    {
        let fake = try service(["good", "other"], budget: 10)
        let options = ModelService.LeaseOptions(keepAlive: .duration(.milliseconds(50)))
        var lease: ModelLease? = try await fake.service.lease("good", options)
        _ = try await fake.answer("stays", model: "other")
        #expect(try await fake.service.status(named: "good").state == .resident)
        #expect(lease?.model == "good")
        lease = nil
        try await fake.wait { $0.state == .unloaded }
        #expect(fake.service.modelTotals["good"]?.unloads == [.idle: 1])
        let other = try await fake.service.status(named: "other")
        #expect(other.state == .resident && other.expires != nil)
        await fake.service.shutdown()
    }

    @Test func `plans without changing anything, by the same rules as a load`() async throws {
        let fake = try service(["a-needs-6", "b-needs-3", "c-needs-5"], budget: 10)
        _ = try await fake.answer("a", model: "a-needs-6")
        let fitting = try await fake.service.plan("b-needs-3")
        #expect(fitting.plan.outcome == .fits && !fitting.isResident)
        #expect(fake.service.modelTotals["b-needs-3"] == nil, "no load was tried")
        #expect(fitting.need.footprint.weightByteCount == 3 * Self.gibibyte)
        let evicting = try await fake.service.plan("c-needs-5")
        #expect(evicting.plan.outcome == .evict)
        #expect(evicting.plan.victims.map(\.model) == ["a-needs-6"])
        let resident = try await fake.service.plan("a-needs-6")
        #expect(resident.isResident && resident.plan.outcome == .fits)
        let otherwise = try await fake.service.plan(
            "a-needs-6",
            ModelService.LeaseOptions(contextLength: 64)
        )
        #expect(!otherwise.isResident && otherwise.mustUnloadFirst)
        #expect(otherwise.plan.outcome == .fits, "its own memory is free then")
        let states = await fake.service.status().map(\.state)
        #expect(states == [.resident, .unloaded, .unloaded])
        #expect(fake.service.memory.heldByteCount == 6 * Self.gibibyte)
        await fake.service.shutdown()
    }

    @Test func `does not evict for a load that may not`() async throws {
        let fake = try service(["a-needs-6", "b-needs-6"], budget: 10)
        _ = try await fake.answer("a", model: "a-needs-6")
        let error = await #expect(throws: ModelServiceError.self) {
            try await fake.service.lease("b-needs-6", .init(mayEvict: false))
        }
        guard case .insufficientMemory(_, let plan) = error else {
            Issue.record("not the plan: \(String(describing: error))")
            return
        }
        #expect(plan.outcome == .evictionNotAllowed && plan.victims.map(\.model) == ["a-needs-6"])
        #expect(try await fake.service.status(named: "a-needs-6").state == .resident)
        await fake.service.shutdown()
    }

    @Test func `starts no load when the last one who waited has left`() async throws {
        let fake = try service(["a-needs-6", "b-needs-6"], budget: 10) {
            $0.limits.residency.maximumSwapWait = .seconds(1000)
        }
        let service = fake.service
        let running = try await service.lease("a-needs-6")
        let waiting = Task { try await service.lease("b-needs-6") }
        try await fake.wait("b-needs-6") { $0.state == .waiting }
        waiting.cancel()
        _ = await waiting.result
        try await fake.wait("b-needs-6") { $0.state == .unloaded && $0.pid == nil }
        #expect(try await service.status(named: "b-needs-6").totals.loads[.ok] == nil)
        #expect(service.modelTotals["b-needs-6"]?.loads == [.cancelled: 1])
        #expect(running.model == "a-needs-6")
        await fake.service.shutdown()
    }

    @Test func `is bounded by what the machine has left, too`() async throws {
        let fake = try service(["a-needs-6"], budget: 100) {
            $0.gauge = MemoryGauge(
                available: { 8 * Self.gibibyte },
                resident: { _ in 0 },
                reserveByteCount: 4 * Self.gibibyte
            )
        }
        let error = await #expect(throws: ModelServiceError.self) {
            try await fake.service.lease("a-needs-6")
        }
        guard case .insufficientMemory(_, let plan) = error else {
            Issue.record("not the plan: \(String(describing: error))")
            return
        }
        #expect(plan.room == MemoryRoom(byteCount: 4 * Self.gibibyte, limit: .machine))
        await fake.service.shutdown()
    }

    @Test func `gives up idle models, then new requests, then the lowest class under pressure`()
        async throws
    {
        let left = Mutex(100)
        // There is enough again at once, however long this test's other steps take.
        let sink = LogSink { entry in
            guard entry.fields.contains(LogEntry.Field(key: "step", value: "cancelLowestClass"))
            else { return }
            left.withLock { $0 = 100 }
        }
        let fake = try service(["busy", "idle"], budget: 10, log: sink) {
            $0.gauge = MemoryGauge(
                available: { left.withLock { $0 } },
                resident: { _ in 0 },
                reserveByteCount: 10
            )
        }
        _ = try await fake.answer("a", model: "idle")
        var request = FakeService.request("!hang")
        request.account.priority = .batch
        var first = fake.service.generate([request], model: "busy").makeAsyncIterator()
        var second = fake.service.generate([FakeService.request("!hang")], model: "busy")
            .makeAsyncIterator()
        try await fake.wait("busy") { $0.worker?.runningCount == 2 }
        left.withLock { $0 = 5 }
        try await fake.wait("idle") { $0.state == .unloaded }
        while true {
            do throws(ModelServiceError) {
                _ = try await fake.service.lease("busy")
            } catch {
                #expect(error == .memoryPressure)
                break
            }
        }
        left.withLock { $0 = 1 }
        var last: GenerationStream.Element?
        while let element = try await first.next() { last = element }
        guard case .event(_, .failed(let failure)) = last else {
            Issue.record("the lowest class is ended")
            return
        }
        #expect(failure.kind == .overloaded(.unmeasured))
        while true {
            do throws(ModelServiceError) {
                _ = try await fake.service.lease("busy")
                break
            } catch {
                guard error == .memoryPressure else { throw error }
            }
        }
        try await fake.wait("busy") { $0.worker?.runningCount == 1 }
        _ = try await second.next()
        await fake.service.shutdown()
    }

    @Test func `gives memory back when the budget becomes smaller, and uses a larger one`()
        async throws
    {
        let fake = try service(["a-needs-3", "b-needs-4", "c-needs-6"], budget: 8)
        let busy = try await fake.service.lease("a-needs-3")
        _ = try await fake.answer("idle", model: "b-needs-4")
        func configuration(_ budget: Int) -> ModelServiceConfiguration {
            ModelServiceConfiguration(
                directories: [fake.directory.path],
                workerExecutable: "/nonexistent",
                memoryByteCount: budget * Self.gibibyte
            )
        }
        _ = await fake.service.reconfigure(configuration(5))
        try await fake.wait("b-needs-4") { $0.state == .unloaded && $0.pid == nil }
        #expect(fake.service.memory.capacity == 5 * Self.gibibyte)
        #expect(fake.service.memory.heldByteCount == 3 * Self.gibibyte)
        #expect(try await fake.service.status(named: "b-needs-4").totals.unloads == [.changed: 1])

        // A busy model goes once nobody uses it.
        _ = await fake.service.reconfigure(configuration(2))
        #expect(try await busy.detokenize([97]) == "a")
        withExtendedLifetime(busy) {}
        _ = consume busy
        try await fake.wait("a-needs-3") { $0.state == .unloaded && $0.pid == nil }

        _ = await fake.service.reconfigure(configuration(6))
        #expect(try await fake.answer("fits now", model: "c-needs-6").0 == "fits now")
        await fake.service.shutdown()
    }
}
