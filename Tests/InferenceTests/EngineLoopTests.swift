import Glibc
import Platform
import Synchronization
import Testing
import WorkerProtocol

@testable import Inference

@Suite(.timeLimit(.minutes(15)))
struct EngineLoopTests {
    /// Collects what the loop emits and lets the test wait for it.
    final class Collector: Sendable {
        private let events = Mutex<[EngineEmission]>([])
        private let wakeUp: WakeUp
        init() throws { wakeUp = try WakeUp() }

        func append(_ emissions: [EngineEmission]) {
            events.withLock { $0 += emissions }
            wakeUp.signal()
        }

        func wait(until isEnough: ([EngineEmission]) -> Bool) -> [EngineEmission] {
            while true {
                let all = events.withLock { $0 }
                if isEnough(all) { return all }
                wakeUp.wait(until: nil)
                wakeUp.reset()
            }
        }
    }

    @Test func `answers what comes through the mailbox until it is stopped`() throws {
        let tokenizer = try TinyTokenizer.make()
        let mailbox = try EngineMailbox(maximumSubmissionCount: 8)
        let collector = try Collector()
        let thread = try DedicatedThread(name: "engine") {
            let answer = "hey".utf8.map { Int32($0) } + [TinyTokenizer.endToken]
            let pass = FakePass.saying(answer, after: 1)
            let engine = Engine(
                configuration: EngineConfiguration(contextLength: 64, blockCount: 8),
                tokenizer: tokenizer,
                vocabularySize: pass.vocabularySize
            )
            EngineLoop(engine: engine, pass: pass, mailbox: mailbox, emit: collector.append).run()
        }
        for id in 1...3 as ClosedRange<UInt64> {
            let request = EngineTests.request(id)
            #expect(mailbox.submit(Generation(request: request, promptTokens: [1])))
            let all = collector.wait { $0.contains { $0.id == id && $0.event.isLast } }
            let text = all.reduce(into: "") { text, emission in
                if emission.id == id, case .delta(let more, _) = emission.event { text += more }
            }
            #expect(text == "hey")
        }
        mailbox.stop()
        thread.join()
        #expect(mailbox.status.outputTokenTotal == 12)
    }

    @Test func `the mailbox refuses generations beyond its limit`() throws {
        let mailbox = try EngineMailbox(maximumSubmissionCount: 2)
        let generation = Generation(request: EngineTests.request(), promptTokens: [1])
        #expect(mailbox.submit(generation))
        #expect(mailbox.submit(generation))
        #expect(!mailbox.submit(generation))
        mailbox.cancel(1)
        #expect(mailbox.take(.forever)?.count == 3)
        #expect(mailbox.submit(generation))
        mailbox.stop()
        #expect(mailbox.take(.forever) == nil)
    }
}
