import ModelService
import TestSupport
import Testing

@Suite struct MemoryLedgerTests {
    private let first = MemoryLedger.Worker(model: "a", number: 1)
    private let second = MemoryLedger.Worker(model: "b", number: 1)

    @Test func `grants as much as there is, and then nothing`() {
        var ledger = MemoryLedger(capacity: 100)
        let grants = [60, 60, 60].map { ledger.ask(byteCount: $0, for: first) }
        #expect(grants == [60, 40, 0])
        #expect(ledger.freeByteCount == 0 && ledger.grantedByteCount(to: first) == 100)
    }

    @Test func `grants only what is neither reserved nor claimed nor beyond another limit`() {
        var ledger = MemoryLedger(capacity: 100)
        ledger.reserve(byteCount: 50, for: first)
        ledger.claim(byteCount: 20)
        let limited = ledger.ask(byteCount: 50, for: second, limit: 10)
        #expect(limited == 10)
        let granted = ledger.ask(byteCount: 50, for: second)
        #expect(granted == 20 && ledger.freeByteCount == 20)
        ledger.claim(byteCount: 0)
        let rest = ledger.ask(byteCount: 50, for: second, limit: -5)
        #expect(rest == 0 && ledger.heldByteCount(by: second) == 30)
    }

    @Test func `knows what of its reservations the system takes for its own`() {
        var ledger = MemoryLedger(capacity: 100)
        ledger.reserve(byteCount: 50, mapped: 40, for: first)
        ledger.reserve(byteCount: 20, mapped: 30, for: second)
        #expect(ledger.mappedByteCount == 60 && ledger.heldByteCount == 70)
        ledger.forget(first)
        #expect(ledger.mappedByteCount == 20)
    }

    @Test func `lets others have what a worker gives back or leaves behind`() {
        var ledger = MemoryLedger(capacity: 100)
        ledger.reserve(byteCount: 10, for: first)
        _ = ledger.ask(byteCount: 90, for: first)
        ledger.giveBack(byteCount: 30, by: first)
        let granted = ledger.ask(byteCount: 90, for: second)
        #expect(granted == 30 && ledger.heldByteCount(by: first) == 70)
        ledger.forget(first)
        #expect(ledger.freeByteCount == 70 && ledger.grantedByteCount == 30)
        // A worker of the same model that comes later is another one.
        #expect(ledger.heldByteCount(by: .init(model: "a", number: 2)) == 0)
    }

    @Test func `is not led astray by impossible figures`() {
        var ledger = MemoryLedger(capacity: 100)
        let granted = ledger.ask(byteCount: -5, for: first)
        #expect(granted == 0)
        _ = ledger.ask(byteCount: 40, for: first)
        ledger.giveBack(byteCount: .max, by: first)
        ledger.giveBack(byteCount: -1, by: first)
        #expect(ledger.freeByteCount == 100)
        ledger.reserve(byteCount: .max, for: first)
        ledger.reserve(byteCount: .max, for: second)
        #expect(ledger.freeByteCount == 0 && ledger.heldByteCount == .max)
        #expect(MemoryLedger(capacity: -1).freeByteCount == 0)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `never grants more than its capacity`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var ledger = MemoryLedger(capacity: 1000)
        let workers = (0..<4).map { MemoryLedger.Worker(model: "m\($0)", number: 1) }
        for _ in 0..<2000 {
            let worker = workers[Int.random(in: 0..<4, using: &random)]
            let byteCount = Int.random(in: 0...400, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3:
                let free = ledger.freeByteCount
                let granted = ledger.ask(byteCount: byteCount, for: worker)
                #expect(granted == min(byteCount, free))
            case 4...6: ledger.giveBack(byteCount: byteCount, by: worker)
            default: ledger.forget(worker)
            }
            #expect(ledger.grantedByteCount + ledger.freeByteCount == 1000)
        }
    }
}
