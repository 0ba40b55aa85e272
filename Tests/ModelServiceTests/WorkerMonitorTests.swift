import Platform
import Testing

@testable import ModelService

@Suite struct WorkerMonitorTests {
    private func at(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000).advanced(by: .seconds(seconds))
    }

    @Test func `a worker that nobody ended long after its deadline is unwatched`() {
        var limits = ModelServiceLimits()
        limits.heartbeatTimeout = .seconds(10)
        limits.supervisionTimeout = .seconds(5)
        var monitor = WorkerMonitor(limits: limits, now: at(0))
        monitor.becameResident(now: at(1))
        #expect(monitor.deadline == at(11))
        #expect(!monitor.isUnwatched(now: at(11)) && !monitor.isUnwatched(now: at(16)))
        #expect(monitor.isUnwatched(now: at(16.5)))
        monitor.heard(now: at(17))
        #expect(!monitor.isUnwatched(now: at(17)))
    }
}
