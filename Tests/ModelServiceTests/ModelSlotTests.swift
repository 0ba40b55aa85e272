import ModelService
import Platform
import Testing

@Suite struct ModelSlotTests {
    typealias Action = ModelSlot.Action

    @Test func `loads for the first request and lets the next ones wait`() {
        var slot = ModelSlot()
        #expect(slot.leaseRequested(now: at(0)) == .start(worker: 1))
        #expect(slot.leaseRequested(now: at(1)) == .wait)
        #expect(slot.workerReady(worker: 1, now: at(2)) == .grantWaiting(worker: 1))
        slot.leaseGranted()
        slot.leaseGranted()
        #expect(slot.leaseRequested(now: at(3)) == .grant(worker: 1))
        #expect(slot.leaseCount == 3)
    }

    @Test func `starts a new worker after the resident one died`() {
        var slot = resident()
        #expect(slot.workerEnded(worker: 1, reason: "killed", now: at(3)) == .none)
        #expect(slot.state == .unloaded)
        #expect(slot.leaseRequested(now: at(3)) == .start(worker: 2))
    }

    @Test func `ignores what is said about an earlier worker`() {
        var slot = resident()
        _ = slot.workerEnded(worker: 1, reason: "killed", now: at(3))
        _ = slot.leaseRequested(now: at(3))
        #expect(slot.workerEnded(worker: 1, reason: "killed", now: at(4)) == .none)
        #expect(slot.workerReady(worker: 1, now: at(4)) == .none)
        #expect(slot.loadFailed(worker: 1, message: "x", now: at(4)) == .none)
        #expect(slot.leaseEnded(worker: 1) == .none)
        #expect(slot.presentWorker == 2)
    }

    @Test func `backs off after failed loads, twice as long each time, up to the maximum`() {
        var slot = ModelSlot(firstPause: .seconds(10), maximumPause: .seconds(35))
        var now = 0
        for (worker, pause) in [(1, 10), (2, 20), (3, 35), (4, 35)] {
            #expect(slot.leaseRequested(now: at(now)) == .start(worker: worker))
            let failed = slot.loadFailed(worker: worker, message: "bad", now: at(now))
            #expect(failed == .refuseWaiting(message: "bad", retryAfter: .seconds(pause)))
            let early = slot.leaseRequested(now: at(now + pause - 1))
            #expect(early == .refuse(message: "bad", retryAfter: .seconds(1)))
            now += pause
        }
    }

    @Test func `tries again at once after one crash during a load, and backs off after two`() {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        let first = slot.workerEnded(worker: 1, reason: "signal 9", now: at(0))
        #expect(first == .refuseWaiting(message: "signal 9", retryAfter: .seconds(1)))
        #expect(slot.leaseRequested(now: at(0)) == .start(worker: 2))
        _ = slot.workerEnded(worker: 2, reason: "signal 9", now: at(0))
        guard case .refuse = slot.leaseRequested(now: at(1)) else {
            Issue.record("a second crash is a failed load")
            return
        }
    }

    @Test func `forgets failures when a load succeeds or the file changes`() {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        _ = slot.loadFailed(worker: 1, message: "bad", now: at(0))
        slot.fileChanged()
        #expect(slot.state == .unloaded && slot.failureCount == 0)
        _ = slot.leaseRequested(now: at(0))
        _ = slot.loadFailed(worker: 2, message: "bad", now: at(0))
        _ = slot.leaseRequested(now: at(100))
        _ = slot.workerReady(worker: 3, now: at(101))
        #expect(slot.failureCount == 0)
    }

    @Test func `stops the worker after the last lease of an unloaded model`() {
        var slot = resident()
        _ = slot.leaseRequested(now: at(2))
        #expect(slot.unloadRequested() == .none)
        #expect(slot.leaseEnded(worker: 1) == .none)
        #expect(slot.leaseEnded(worker: 1) == .stop(worker: 1))
        #expect(slot.leaseRequested(now: at(3)) == .wait)
        #expect(slot.workerEnded(worker: 1, reason: "", now: at(4)) == .start(worker: 2))
    }

    @Test func `refuses those who waited when an unload cut the load short`() {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        #expect(slot.unloadRequested() == .stop(worker: 1))
        guard case .refuseWaiting = slot.workerEnded(worker: 1, reason: "", now: at(1)) else {
            Issue.record("nobody else would end their wait")
            return
        }
    }

    @Test func `never has more leases than were granted, whatever happens`() {
        // All sequences of six events from an alphabet of six.
        let events: [(inout ModelSlot) -> Void] = [
            { slot in _ = slot.leaseRequested(now: at(0)) },
            { slot in _ = slot.presentWorker.map { slot.workerReady(worker: $0, now: at(0)) } },
            { slot in
                _ = slot.presentWorker.map { slot.loadFailed(worker: $0, message: "", now: at(0)) }
            },
            { slot in
                _ = slot.presentWorker.map { slot.workerEnded(worker: $0, reason: "", now: at(0)) }
            },
            { slot in
                if slot.leaseCount > 0 {
                    _ = slot.presentWorker.map { slot.leaseEnded(worker: $0) }
                }
            },
            { slot in _ = slot.unloadRequested() },
        ]
        var count = 1
        for _ in 0..<6 { count *= events.count }
        for sequence in 0..<count {
            var slot = ModelSlot()
            var rest = sequence
            for _ in 0..<6 {
                events[rest % events.count](&slot)
                rest /= events.count
                if slot.presentWorker == nil { #expect(slot.leaseCount == 0) }
            }
        }
    }

    private func resident() -> ModelSlot {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        _ = slot.workerReady(worker: 1, now: at(1))
        slot.leaseGranted()
        return slot
    }
}

private func at(_ seconds: Int) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: UInt64(1000 + seconds) * 1_000_000_000)
}
