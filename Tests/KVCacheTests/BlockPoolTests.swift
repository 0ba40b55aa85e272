import KVCache
import TestSupport
import Testing

@Suite struct BlockPoolTests {
    @Test func `every order of operations on three blocks keeps the books`() {
        explore(BlockPool(blockCount: 3), references: [], depth: 6)
    }

    /// Tries every operation that is allowed, to a depth, against a plain list of references.
    private func explore(_ pool: BlockPool, references: [Int32], depth: Int) {
        pool.checkInvariants()
        #expect(pool.usedCount == Set(references).count)
        #expect(pool.freeCount == 3 - Set(references).count)
        for block in 0..<3 as Range<Int32> {
            #expect(pool.referenceCount(of: block) == references.count { $0 == block })
        }
        guard depth > 0 else { return }

        var next = pool
        if let block = next.allocate() {
            #expect(!references.contains(block))
            explore(next, references: references + [block], depth: depth - 1)
        } else {
            #expect(Set(references).count == 3)
        }
        for block in Set(references) {
            next = pool
            next.share(block)
            explore(next, references: references + [block], depth: depth - 1)
            next = pool
            next.free(block)
            var rest = references
            if let index = rest.firstIndex(of: block) { rest.remove(at: index) }
            explore(next, references: rest, depth: depth - 1)
        }
    }

    @Test func `several blocks come together or not at all`() {
        var pool = BlockPool(blockCount: 4)
        #expect(pool.allocate(count: 5) == nil)
        #expect(pool.freeCount == 4)
        let blocks = pool.allocate(count: 4)
        #expect(blocks == [0, 1, 2, 3])
        #expect(pool.allocate() == nil)
        pool.free([0, 1, 2, 3])
        pool.checkInvariants()
        #expect(pool.freeCount == 4)
        #expect(pool.allocate() == 0, "what was freed last comes first")
    }

    @Test func `an empty pool has nothing to give`() {
        var pool = BlockPool(blockCount: 0)
        #expect(pool.allocate() == nil)
        #expect(pool.allocate(count: 0) == [])
        pool.checkInvariants()
    }

    @Test func `freeing a free block traps`() async {
        await #expect(processExitsWith: .failure) {
            var pool = BlockPool(blockCount: 1)
            pool.free(0)
        }
    }

    @Test func `sharing a free block traps`() async {
        await #expect(processExitsWith: .failure) {
            var pool = BlockPool(blockCount: 1)
            pool.share(0)
        }
    }
}
