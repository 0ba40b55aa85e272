/// Which KV blocks are free, and how many block tables name each of the others.
///
/// Pure bookkeeping over block ids `0 ..< blockCount`; the memory is `KVStorage`'s. The block that
/// was freed last is allocated first, so the storage commits no more memory than was ever needed
/// at the same time. Using a free block, or freeing one too often, traps.
package struct BlockPool: Sendable {
    /// Number of blocks, free or not.
    package let blockCount: Int
    private var freeBlocks: [Int32]
    private var referenceCounts: [Int32]

    /// Makes a pool of free blocks.
    ///
    /// - Parameter blockCount: 0....
    package init(blockCount: Int) {
        precondition((0...Int(Int32.max)).contains(blockCount), "a block id is an Int32")
        self.blockCount = blockCount
        freeBlocks = (0..<Int32(blockCount)).reversed()
        referenceCounts = Array(repeating: 0, count: blockCount)
    }

    /// Number of blocks that can be allocated.
    package var freeCount: Int { freeBlocks.count }

    /// Number of blocks in use.
    package var usedCount: Int { blockCount - freeBlocks.count }

    /// Takes a free block, with one reference.
    ///
    /// - Returns: nil if none is free.
    package mutating func allocate() -> Int32? {
        guard let block = freeBlocks.popLast() else { return nil }
        referenceCounts[Int(block)] = 1
        return block
    }

    /// Takes several free blocks with one reference each, or none at all.
    ///
    /// - Returns: nil if fewer are free.
    package mutating func allocate(count: Int) -> [Int32]? {
        guard count <= freeBlocks.count else { return nil }
        return (0..<count).compactMap { _ in allocate() }
    }

    /// Adds a reference to a block in use: a further table names it.
    package mutating func share(_ block: Int32) {
        precondition(referenceCount(of: block) > 0, "only a block in use can be shared")
        referenceCounts[Int(block)] += 1
    }

    /// Drops one reference; a block without any is free.
    package mutating func free(_ block: Int32) {
        precondition(referenceCount(of: block) > 0, "a block is freed once for each reference")
        referenceCounts[Int(block)] -= 1
        if referenceCounts[Int(block)] == 0 { freeBlocks.append(block) }
    }

    /// Drops one reference of each block, the last block first.
    package mutating func free(_ blocks: [Int32]) {
        for block in blocks.reversed() { free(block) }
    }

    /// How many tables name a block; 0 if it is free.
    package func referenceCount(of block: Int32) -> Int {
        precondition(referenceCounts.indices.contains(Int(block)), "a block of this pool")
        return Int(referenceCounts[Int(block)])
    }

    /// Traps unless exactly the blocks without references are free, each once.
    ///
    /// - Complexity: O(blockCount).
    package func checkInvariants() {
        precondition(Set(freeBlocks).count == freeBlocks.count, "a free block is listed once")
        precondition(
            freeBlocks.allSatisfy { referenceCounts[Int($0)] == 0 },
            "a free block has no references"
        )
        precondition(
            referenceCounts.count { $0 == 0 } == freeBlocks.count,
            "a block without references is free"
        )
        precondition(referenceCounts.allSatisfy { $0 >= 0 }, "reference counts are not negative")
    }
}
