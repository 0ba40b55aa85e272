import Platform
import Testing
import WorkerProtocol

@testable import ModelService

@Suite struct GenerationTimingsTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func `measures the queue, the first output and what is between outputs`() {
        var timings = GenerationTimings()
        timings.receive(.accepted, choice: 0, now: at(10))
        timings.receive(.started, choice: 0, now: at(40))
        for time: UInt64 in [100, 105, 145] { timings.receive(.output, choice: 0, now: at(time)) }
        let news = timings.take()
        #expect(news.queueDuration == .milliseconds(30) && news.firstOutput == at(100))
        #expect(news.intervals.count == 2 && abs(news.intervals.sum - 0.045) < 1e-9)
    }

    @Test func `hands every figure out once`() {
        var timings = GenerationTimings()
        timings.receive(.accepted, choice: 0, now: at(0))
        timings.receive(.started, choice: 0, now: at(1))
        timings.receive(.output, choice: 0, now: at(2))
        #expect(timings.take().firstOutput == at(2))
        #expect(timings.take() == GenerationTimings.News())
        timings.receive(.output, choice: 0, now: at(9))
        let news = timings.take()
        #expect(news.queueDuration == nil && news.firstOutput == nil)
        #expect(news.intervals.count == 1 && abs(news.intervals.sum - 0.007) < 1e-9)
    }

    @Test func `keeps choices apart, and takes the queue and the first output from the first`() {
        var timings = GenerationTimings()
        for (choice, time) in [(0, UInt64(0)), (1, 5)] {
            timings.receive(.accepted, choice: choice, now: at(time))
        }
        timings.receive(.started, choice: 1, now: at(20))
        timings.receive(.output, choice: 1, now: at(30))
        timings.receive(.started, choice: 0, now: at(40))
        timings.receive(.output, choice: 0, now: at(50))
        timings.receive(.output, choice: 1, now: at(60))
        let news = timings.take()
        #expect(news.queueDuration == .milliseconds(20) && news.firstOutput == at(30))
        #expect(news.intervals.count == 1 && abs(news.intervals.sum - 0.03) < 1e-9)
    }

    @Test func `measures nothing but acceptance, start and output`() {
        #expect(GenerationTimings.Event(.queued(position: 1)) == nil)
        #expect(GenerationTimings.Event(.delta(text: "", tokens: [])) == .output)
        #expect(GenerationTimings.Event(.failed(.workerDied)) == nil)
    }
}
