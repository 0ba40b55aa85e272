import ModelService
import Platform
import Testing

@Suite struct ModelSlotTests {
    typealias Action = ModelSlot.Action

    @Test func `loads for the first request and lets the next ones wait`() {
        var slot = ModelSlot()
        #expect(slot.leaseRequested(now: at(0)) == .start(worker: 1))
        #expect(slot.leaseRequested(now: at(1)) == .wait)
        slot.workerSized(worker: 1)
        #expect(slot.state == .waiting(worker: 1))
        #expect(slot.leaseRequested(now: at(1)) == .wait)
        slot.memoryReserved(now: at(1))
        #expect(slot.state == .loading(worker: 1, since: at(1)))
        #expect(slot.workerReady(worker: 1, now: at(2)) == .grantWaiting(worker: 1))
        slot.leaseGranted()
        slot.leaseGranted()
        #expect(slot.leaseRequested(now: at(3)) == .grant(worker: 1))
        #expect(slot.leaseCount == 3)
    }

    @Test func `is resident only after its memory was reserved`() {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        #expect(slot.workerReady(worker: 1, now: at(1)) == .none)
        slot.memoryReserved(now: at(1))
        #expect(slot.state == .starting(worker: 1))
    }

    @Test func `starts a new worker after the resident one died`() {
        var slot = resident()
        #expect(slot.died(1, at: 3) == .none)
        #expect(slot.state == .unloaded)
        #expect(slot.leaseRequested(now: at(3)) == .start(worker: 2))
    }

    @Test func `ignores what is said about an earlier worker`() {
        var slot = resident()
        _ = slot.died(1, at: 3)
        _ = slot.leaseRequested(now: at(3))
        #expect(slot.died(1, at: 4) == .none)
        slot.workerSized(worker: 1)
        #expect(slot.workerReady(worker: 1, now: at(4)) == .none)
        #expect(slot.loadFailed(worker: 1, message: "x", now: at(4)) == .none)
        #expect(slot.leaseEnded(worker: 1, isAlive: true) == .none)
        #expect(slot.state == .starting(worker: 2))
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
        #expect(slot.died(1, at: 0) == .refuseWaiting(message: "died", retryAfter: .seconds(1)))
        #expect(slot.leaseRequested(now: at(0)) == .start(worker: 2))
        _ = slot.died(2, at: 0)
        guard case .refuse = slot.leaseRequested(now: at(1)) else {
            Issue.record("a second crash is a failed load")
            return
        }
    }

    @Test func `slows a crash loop down, but not the end of workers that were of use`() {
        var slot = resident()
        for round in 1...2 {
            #expect(slot.died(round, at: 2) == .none && slot.state == .unloaded)
            slot.load(at: 2)
        }
        _ = slot.died(3, at: 3)
        guard case .failed(let until, let message) = slot.state else {
            Issue.record("the third death in a row is a loop")
            return
        }
        #expect(until == at(13) && message.contains("3 times"))
        slot.load(at: 13)
        _ = slot.died(4, at: 14)
        #expect(
            slot.state == .failed(until: at(34), message: "died, 4 times soon after it was loaded")
        )
        slot.load(at: 34)
        slot.leaseGranted()
        _ = slot.leaseEnded(worker: 5, isAlive: true)
        _ = slot.died(5, at: 35)
        #expect(slot.state == .unloaded && slot.crashCount == 1)
        slot.load(at: 35)
        _ = slot.died(6, at: 96)
        #expect(slot.state == .unloaded && slot.crashCount == 0)
    }

    @Test func `forgets failures when a load succeeds or the file changes`() {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        _ = slot.loadFailed(worker: 1, message: "bad", now: at(0))
        slot.fileChanged()
        #expect(slot.state == .unloaded && slot.failureCount == 0)
        _ = slot.leaseRequested(now: at(0))
        _ = slot.loadFailed(worker: 2, message: "bad", now: at(0))
        slot.load(at: 100)
        #expect(slot.failureCount == 0)
    }

    @Test func `stops the worker after the last lease of an unloaded model`() {
        var slot = resident()
        slot.leaseGranted()
        _ = slot.leaseRequested(now: at(2))
        #expect(slot.unloadRequested() == .none)
        #expect(slot.leaseEnded(worker: 1, isAlive: true) == .none)
        #expect(slot.leaseEnded(worker: 1, isAlive: true) == .stop(worker: 1))
        #expect(slot.leaseRequested(now: at(3)) == .wait)
        #expect(slot.died(1, isWanted: true, at: 4) == .start(worker: 2))
    }

    @Test func `stops a load that nobody wants before it begins, and no other`() {
        var slot = ModelSlot()
        _ = slot.leaseRequested(now: at(0))
        #expect(slot.abandoned() == .stop(worker: 1))
        #expect(slot.died(1, at: 1) == .none && slot.state == .unloaded)
        _ = slot.leaseRequested(now: at(1))
        slot.workerSized(worker: 2)
        slot.memoryReserved(now: at(1))
        #expect(slot.abandoned() == .none)
    }

    @Test func `never has more leases than were granted, whatever happens`() {
        // All sequences of six events from an alphabet of nine.
        let events: [(inout ModelSlot) -> Void] = [
            { slot in _ = slot.leaseRequested(now: at(0)) },
            { slot in slot.presentWorker.map { slot.workerSized(worker: $0) } ?? () },
            { slot in slot.memoryReserved(now: at(0)) },
            { slot in _ = slot.presentWorker.map { slot.workerReady(worker: $0, now: at(0)) } },
            { slot in
                _ = slot.presentWorker.map { slot.loadFailed(worker: $0, message: "", now: at(0)) }
            },
            { slot in _ = slot.presentWorker.map { slot.died($0, isWanted: true, at: 0) } },
            { slot in
                guard slot.leaseCount > 0 else { return }
                _ = slot.presentWorker.map { slot.leaseEnded(worker: $0, isAlive: true) }
            },
            { slot in _ = slot.unloadRequested() },
            { slot in _ = slot.abandoned() },
        ]
        var count = 1
        for _ in 0..<6 { count *= events.count }
        for sequence in 0..<count {
            var slot = ModelSlot()
            var rest = sequence
            for _ in 0..<6 {
                events[rest % events.count](&slot)
                rest /= events.count
                if slot.presentWorker == nil || slot.isComing, slot.leaseCount != 0 {
                    Issue.record("sequence \(sequence) has a lease on nothing")
                }
            }
        }
    }

    private func resident() -> ModelSlot {
        var slot = ModelSlot()
        slot.load(at: 1)
        return slot
    }
}

extension ModelSlot {
    fileprivate mutating func load(at seconds: Int) {
        _ = leaseRequested(now: at(seconds))
        guard let worker = presentWorker else { return }
        workerSized(worker: worker)
        memoryReserved(now: at(seconds))
        _ = workerReady(worker: worker, now: at(seconds))
    }

    fileprivate mutating func died(
        _ worker: Int,
        isWanted: Bool = false,
        at seconds: Int
    ) -> Action {
        workerEnded(worker: worker, reason: "died", isWanted: isWanted, now: at(seconds))
    }
}

private func at(_ seconds: Int) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: UInt64(1000 + seconds) * 1_000_000_000)
}
