import KVCache
import Testing

@Suite struct BlockPoolTests {
    @Test func `every order of operations on three blocks keeps the books`() {
        explore(BlockPool(blockCount: 3), [:], depth: 6)
    }

    /// Tries every operation that is allowed, to a depth, against a plain table of references.
    private func explore(_ pool: BlockPool, _ references: [Int32: Int], depth: Int) {
        pool.checkInvariants()
        #expect(pool.allocatedCount == references.count)
        #expect(pool.freeCount == 3 - references.count)
        for block in 0..<3 as Range<Int32> {
            #expect(pool.referenceCount(of: block) == references[block] ?? 0)
            #expect(pool.isAllocated(block) == (references[block] != nil))
        }
        guard depth > 0 else { return }

        var next = pool
        if let block = next.allocate() {
            #expect(block == (0..<3).first { references[$0] == nil })
            explore(next, references.merging([block: 1]) { $1 }, depth: depth - 1)
        } else {
            #expect(references.count == 3)
        }
        for (block, count) in references {
            next = pool
            next.share(block)
            explore(next, references.merging([block: count + 1]) { $1 }, depth: depth - 1)
            next = pool
            if count > 0 {
                #expect(next.release(block) == count - 1)
                explore(next, references.merging([block: count - 1]) { $1 }, depth: depth - 1)
            } else {
                next.free(block)
                explore(next, references.filter { $0.key != block }, depth: depth - 1)
            }
        }
    }

    @Test func `slabs are granted from the first and withdrawn from the last`() {
        var pool = BlockPool(blockCount: 10, slabBlockCount: 4, grantedSlabCount: 1)
        #expect(pool.slabCount == 3)
        #expect((0..<5).map { _ in pool.allocate() } == [0, 1, 2, 3, nil])
        pool.grant(slabs: 5)
        #expect(pool.grantedBlockCount == 10)
        #expect((0..<7).map { _ in pool.allocate() } == [4, 5, 6, 7, 8, 9, nil])
        #expect(pool.withdrawEmptySlabs(keeping: 1) == 0)
        for block in [4, 5, 6, 7, 9] as [Int32] {
            #expect(pool.release(block) == 0)
            pool.free(block)
        }
        #expect(pool.withdrawEmptySlabs(keeping: 1) == 0, "block 8 is in the last slab")
        #expect(pool.takeEmptiedBlocks() == [4..<8])
        #expect(pool.takeEmptiedBlocks() == [], "each is named once")
        #expect(pool.release(8) == 0)
        pool.free(8)
        #expect(pool.withdrawEmptySlabs(keeping: 1) == 2)
        #expect(pool.takeEmptiedBlocks() == [8..<10])
        #expect(pool.allocate() == nil)
        pool.checkInvariants()
    }

    @Test func `an empty pool has nothing to give`() {
        var pool = BlockPool(blockCount: 0)
        #expect(pool.allocate() == nil)
        pool.checkInvariants()
    }

    @Test func `freeing a free block traps`() async {
        await #expect(processExitsWith: .failure) {
            var pool = BlockPool(blockCount: 1)
            pool.free(0)
        }
    }

    @Test func `freeing a block in use traps`() async {
        await #expect(processExitsWith: .failure) {
            var pool = BlockPool(blockCount: 1)
            if let block = pool.allocate() { pool.free(block) }
        }
    }

    @Test func `sharing a free block traps`() async {
        await #expect(processExitsWith: .failure) {
            var pool = BlockPool(blockCount: 1)
            pool.share(0)
        }
    }
}
