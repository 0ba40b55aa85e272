import Glibc
import ModelService
import TestSupport
import Testing
import WorkerProtocol

@Suite(.timeLimit(.minutes(15))) struct ModelServiceTests {
    @Test func `generates through a worker process and keeps it`() async throws {
        let fake = try FakeService()
        #expect(try await fake.answer("one two three").0 == "one two three")
        let first = try await fake.service.status(named: "good")
        #expect(first.state == .resident && first.facts?.architecture == "fake")
        #expect(try await fake.answer("four").0 == "four")
        #expect(try await fake.service.status(named: "good").pid == first.pid)
        await fake.service.shutdown()
    }

    @Test func `finds a model for everybody who asks while it looks for the first time`()
        async throws
    {
        let fake = try FakeService(models: (0..<200).map { "model\($0)" })
        let service = fake.service
        let asking = (0..<40).map { number in
            Task { try await service.entry(named: "model\(number)").id }
        }
        for (number, task) in asking.enumerated() {
            #expect(try await task.value == "model\(number)")
        }
        await service.shutdown()
    }

    @Test func `tells the wait and the facts before the first event`() async throws {
        let fake = try FakeService()
        var elements: [GenerationStream.Element] = []
        for try await element in fake.service.generate([FakeService.request("a")], model: "good") {
            if case .loading = element { continue }
            elements.append(element)
        }
        guard case .leased(let facts, _) = elements.first else {
            Issue.record("the lease comes first")
            return
        }
        #expect(facts.contextLength == 4096)
        #expect(
            elements.dropFirst().map { $0 } == [
                .event(choice: 0, .started(promptTokenCount: 7, cachedTokenCount: 3)),
                .event(choice: 0, .delta(text: "a", tokens: [])),
                .event(
                    choice: 0,
                    .finished(
                        .stop,
                        GenerationUsage(
                            promptTokenCount: 7,
                            cachedTokenCount: 3,
                            outputTokenCount: 1,
                            queueDuration: .milliseconds(1),
                            prefillDuration: .milliseconds(2),
                            decodeDuration: .milliseconds(3)
                        )
                    )
                ),
            ]
        )
        await fake.service.shutdown()
    }

    @Test func `interleaves choices and ends after the last one`() async throws {
        let fake = try FakeService()
        let requests = ["a b", "c", "d e f"].map { FakeService.request($0) }
        var texts = ["", "", ""]
        for try await element in fake.service.generate(requests, model: "good") {
            if case .event(let choice, .delta(let text, _)) = element { texts[choice] += text }
        }
        #expect(texts == ["a b", "c", "d e f"])
        await fake.service.shutdown()
    }

    @Test func `fails the running request when its worker is killed, and starts a new one`()
        async throws
    {
        let fake = try FakeService(models: ["good", "other"])
        let hanging = fake.service.generate([FakeService.request("!hang")], model: "good")
        var iterator = hanging.makeAsyncIterator()
        var started = try await iterator.next()
        while started?.isEvent == false { started = try await iterator.next() }
        #expect(started == .event(choice: 0, .started(promptTokenCount: 7, cachedTokenCount: 3)))
        #expect(try await fake.answer("calm", model: "other").0 == "calm")

        let pid = try #require(try await fake.service.status(named: "good").pid)
        kill(pid, SIGKILL)
        guard case .event(0, .failed(let failure)) = try await iterator.next() else {
            Issue.record("the request fails")
            return
        }
        #expect(failure.kind == .workerDied)
        #expect(try await iterator.next() == nil)

        // At once, without any wait for the service to notice.
        #expect(try await fake.answer("again").0 == "again")
        #expect(try await fake.service.status(named: "good").pid != pid)
        await fake.service.shutdown()
    }

    @Test func `survives a worker that dies in the middle of every answer, and slows it down`()
        async throws
    {
        let fake = try FakeService()
        for round in 0..<5 {
            // A worker that was of use did not die of being started.
            if round > 0 { _ = try await fake.answer("calm") }
            let (text, last) = try await fake.answer("!die 3")
            #expect(text == "word0 word1 word2 ")
            guard case .failed(let failure) = last else {
                Issue.record("the answer ends with a failure")
                return
            }
            #expect(failure.kind == .workerDied)
        }
        _ = try await fake.answer("!die 0")
        _ = try await fake.answer("!die 0")
        let error = await #expect(throws: ModelServiceError.self) {
            try await fake.service.lease("good")
        }
        guard case .loadFailed("good", let message, _) = error else {
            Issue.record("a third death in a row is a loop: \(String(describing: error))")
            return
        }
        #expect(message.contains("3 times"))
        try await fake.wait("good") { $0.totals.crashCount == 7 }
        let status = try await fake.service.status(named: "good")
        #expect(status.totals.loads == [.ok: 7])
        #expect(status.lastFailure?.hasPrefix("the worker process ") == true)
        #expect(status.logTail == ["one line", "the last words"])
        await fake.service.shutdown()
    }

    @Test func `kills a worker that falls silent`() async throws {
        let fake = try FakeService { $0.limits.heartbeatTimeout = .seconds(2) }
        let (_, last) = try await fake.answer("!silent")
        guard case .failed(let failure) = last else {
            Issue.record("the answer ends with a failure")
            return
        }
        #expect(failure.kind == .workerDied)
        await fake.service.shutdown()
    }

    @Test func `reports a model that cannot be loaded and does not try it again at once`()
        async throws
    {
        let fake = try FakeService(models: ["broken"])
        for _ in 0..<2 {
            let error = await #expect(throws: ModelServiceError.self) {
                try await fake.service.lease("broken")
            }
            guard case .loadFailed("broken", "the file is not a model", _) = error else {
                Issue.record("not the worker's reason: \(String(describing: error))")
                return
            }
        }
        await fake.service.shutdown()
    }

    @Test func `reports a worker that dies while it loads, and one that is not there`()
        async throws
    {
        let fake = try FakeService(models: ["crash"])
        let crash = await #expect(throws: ModelServiceError.self) {
            try await fake.service.lease("crash")
        }
        guard case .loadFailed(_, let message, _) = crash, message.contains("signal 9") else {
            Issue.record("not the signal: \(String(describing: crash))")
            return
        }
        let absent = try FakeService { $0.workerExecutable = "/no/such/worker" }
        await #expect(throws: ModelServiceError.self) { try await absent.service.lease("good") }
        await fake.service.shutdown()
        await absent.service.shutdown()
    }

    @Test func `shows the progress of a load and lets a waiting request go`() async throws {
        let fake = try FakeService(models: ["stuck"])
        let service = fake.service
        let waiting = Task { try await service.lease("stuck") }
        try await fake.wait("stuck") { $0.state == .loading(fraction: 0.5) && $0.waitingCount == 1 }
        waiting.cancel()
        await #expect(throws: ModelServiceError.cancelled) { try await waiting.value }
        try await fake.wait("stuck") { $0.waitingCount == 0 }
        await fake.service.shutdown()
    }

    @Test func `tells a waiting reader how much of the model is loaded`() async throws {
        let fake = try FakeService(models: ["stuck"])
        let stream = fake.service.generate([FakeService.request("a")], model: "stuck")
        var iterator = stream.makeAsyncIterator()
        while try await iterator.next() != .loading(fraction: 0.5) {}
        #expect(stream.monitor.progress.state == .loading(fraction: 0.5))
        // A reader that comes later hears it as well.
        let later = fake.service.generate([FakeService.request("a")], model: "stuck")
        var second = later.makeAsyncIterator()
        #expect(try await second.next() == .loading(fraction: 0.5))
        stream.monitor.cancel()
        await #expect(throws: ModelServiceError.cancelled) { try await iterator.next() }
        later.cancel()
        await fake.service.shutdown()
    }

    @Test func `gives each generation the time that its model's queue has`() async throws {
        let fake = try FakeService { $0.defaults.queue.timeout = .seconds(12) }
        #expect(try await fake.answer("!request").0.contains(#""queue_timeout":12.0"#))
        await fake.service.shutdown()
    }

    @Test func `grants workers memory within the budget, and takes back what they leave`()
        async throws
    {
        let fake = try FakeService(models: ["good", "other"]) { $0.memoryByteCount = 1000 }
        #expect(try await fake.answer("!memory 700").0 == "700")
        #expect(try await fake.answer("!memory 700", model: "other").0 == "300")
        #expect(try await fake.answer("!memory 700", model: "other").0 == "0")
        _ = try await fake.answer("!return 100", model: "other")
        #expect(try await fake.answer("!memory 700").0 == "100")
        #expect(fake.service.memory.freeByteCount == 0)
        kill(try #require(try await fake.service.status(named: "good").pid), SIGKILL)
        while fake.service.memory.freeByteCount != 800 {
            try await Moment.pass()
        }
        #expect(try await fake.answer("!memory 700").0 == "700")
        await fake.service.shutdown()
        #expect(fake.service.memory.freeByteCount == 1000)
    }

    @Test func `bounds who may wait for a load, for all keys and for each`() async throws {
        let fake = try FakeService(models: ["stuck"]) {
            $0.defaults.queue = QueueSettings(requestCount: 3, requestCountPerKey: 2)
        }
        let service = fake.service
        let waiting = ["a", "a", "b"].map { key in
            Task { try await service.lease("stuck", .init(key: key)) }
        }
        try await fake.wait("stuck") { $0.waitingCount == 3 }
        waiting[2].cancel()
        try await fake.wait("stuck") { $0.waitingCount == 2 }
        let overloaded = ModelServiceError.overloaded(model: "stuck", retryAfter: .seconds(5))
        await #expect(throws: overloaded) { try await service.lease("stuck", .init(key: "a")) }
        let other = Task { try await service.lease("stuck", .init(key: "b")) }
        try await fake.wait("stuck") { $0.waitingCount == 3 }
        await #expect(throws: overloaded) { try await service.lease("stuck", .init(key: "c")) }
        await fake.service.shutdown()
        for task in waiting + [other] { _ = await task.result }
    }

    @Test func `cancels the generation when its reader's task is cancelled`() async throws {
        let fake = try FakeService()
        let service = fake.service
        let reader = Task {
            var count = 0
            for try await _ in service.generate([FakeService.request("!hang")], model: "good") {
                count += 1
            }
            return count
        }
        try await fake.wait { $0.worker?.runningCount == 1 }
        reader.cancel()
        await #expect(throws: ModelServiceError.cancelled) { try await reader.value }
        try await fake.wait { $0.worker?.runningCount == 0 && $0.leaseCount == 0 }
        await fake.service.shutdown()
    }

    @Test func `cancels the generation when its stream is dropped`() async throws {
        let fake = try FakeService()
        for try await element in fake.service.generate(
            [FakeService.request("!hang")],
            model: "good"
        ) {
            if case .event = element { break }
        }
        try await fake.wait { $0.leaseCount == 0 && $0.worker?.runningCount == 0 }
        await fake.service.shutdown()
    }

    @Test func `ends a generation whose reader does not read, within the bound`() async throws {
        let fake = try FakeService {
            $0.limits.streamHighWaterByteCount = 10_000
            $0.limits.maximumStreamByteCount = 100_000
        }
        let stream = fake.service.generate([FakeService.request("!flood")], model: "good")
        // Nobody reads, until the worker has been told to stop.
        try await fake.wait { $0.state == .resident && $0.leaseCount == 0 && $0.lastUsed != nil }
        try await fake.wait { $0.worker?.runningCount == 0 }
        var byteCount = 0
        var last: GenerationEvent?
        for try await element in stream {
            guard case .event(_, let event) = element else { continue }
            if case .delta(let text, _) = event { byteCount += text.utf8.count }
            last = event
        }
        #expect((90_000...110_000).contains(byteCount))
        guard case .failed = last else {
            Issue.record("the reader is told")
            return
        }
        await fake.service.shutdown()
    }

    @Test func `answers questions about text and tokens`() async throws {
        let fake = try FakeService()
        let lease = try await fake.service.lease("good")
        let tokens = try await lease.tokenize("ab", specialTokens: true, addsBeginningToken: true)
        #expect(tokens == [256, 97, 98])
        #expect(try await lease.detokenize([97, 98]) == "ab")
        kill(try #require(try await fake.service.status(named: "good").pid), SIGKILL)
        await #expect(throws: GenerationFailure.self) {
            while true { _ = try await lease.detokenize([97]) }
        }
        await fake.service.shutdown()
    }

    @Test func `loads a model anew when its file has been replaced, after the requests under way`()
        async throws
    {
        let fake = try FakeService { $0.limits.rescanInterval = .zero }
        var lease: ModelLease? = try await fake.service.lease("good")
        let pid = try await fake.service.status(named: "good").pid
        _ = try fake.directory.write([1, 2, 3], to: "good.gguf")
        _ = await fake.service.catalog()
        let later = Task { try await fake.answer("new") }
        try await fake.wait { $0.state == .draining && $0.waitingCount == 1 }
        #expect(try await lease?.detokenize([97]) == "a")
        lease = nil
        #expect(try await later.value.0 == "new")
        #expect(try await fake.service.status(named: "good").pid != pid)
        await fake.service.shutdown()
    }

    @Test func `unloads a model after its last request and loads it again`() async throws {
        let fake = try FakeService()
        var lease: ModelLease? = try await fake.service.lease("good")
        let pid = try await fake.service.status(named: "good").pid
        try await fake.service.unload("good")
        #expect(try await fake.service.status(named: "good").state == .draining)
        #expect(lease?.model == "good")
        lease = nil
        try await fake.wait { $0.state == .unloaded && $0.pid == nil }
        #expect(try await fake.answer("back").0 == "back")
        #expect(try await fake.service.status(named: "good").pid != pid)
        await fake.service.shutdown()
    }

    @Test func `leaves no process behind when it shuts down`() async throws {
        let fake = try FakeService(models: ["good", "stuck"])
        let service = fake.service
        _ = try await fake.answer("hello")
        let waiting = Task { try await service.lease("stuck") }
        try await fake.wait("stuck") { $0.pid != nil && $0.waitingCount == 1 }
        let statuses = await fake.service.status()
        await fake.service.shutdown()
        await #expect(throws: ModelServiceError.shuttingDown) { try await waiting.value }
        for status in statuses {
            #expect(kill(try #require(status.pid), 0) == -1 && errno == ESRCH)
        }
        await #expect(throws: ModelServiceError.shuttingDown) { try await service.lease("good") }
    }
}

extension GenerationStream.Element {
    fileprivate var isEvent: Bool {
        if case .event = self { true } else { false }
    }
}
