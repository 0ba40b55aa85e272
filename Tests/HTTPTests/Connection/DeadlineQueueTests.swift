import Platform
import Testing

@testable import HTTP

@Suite struct DeadlineQueueTests {
    private func entry(_ nanoseconds: Int) -> DeadlineQueue.Entry {
        DeadlineQueue.Entry(
            deadline: MonotonicInstant(nanoseconds: UInt64(nanoseconds)),
            token: UInt64(nanoseconds)
        )
    }

    @Test func `gives back every order of seven deadlines sorted`() {
        func permute(_ rest: [Int], _ chosen: [Int]) {
            if rest.isEmpty {
                var queue = DeadlineQueue()
                for number in chosen { queue.push(entry(number)) }
                var found: [UInt64] = []
                while let entry = queue.popDue(now: MonotonicInstant(nanoseconds: 100)) {
                    found.append(entry.token)
                }
                #expect(found == [1, 2, 3, 4, 5, 6, 6])
            }
            for index in rest.indices {
                var left = rest
                let number = left.remove(at: index)
                permute(left, chosen + [number])
            }
        }
        permute([1, 2, 3, 4, 5, 6, 6], [])
    }

    @Test func `keeps what is not due, and its order after removals`() {
        var queue = DeadlineQueue()
        for number in [9, 3, 7, 1, 5, 8, 2] { queue.push(entry(number)) }
        #expect(queue.popDue(now: MonotonicInstant(nanoseconds: 0)) == nil)
        #expect(queue.popDue(now: MonotonicInstant(nanoseconds: 1)) == entry(1))
        #expect(queue.popDue(now: MonotonicInstant(nanoseconds: 1)) == nil)
        queue.removeAll { $0.token % 2 == 1 }
        #expect(queue.count == 2)
        #expect(queue.first == entry(2))
        #expect(queue.popDue(now: MonotonicInstant(nanoseconds: 9)) == entry(2))
        #expect(queue.popDue(now: MonotonicInstant(nanoseconds: 9)) == entry(8))
        #expect(queue.first == nil)
    }
}
