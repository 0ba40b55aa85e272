/// Which KV blocks are free, and how many block tables name each of the others.
///
/// Pure bookkeeping over block ids `0 ..< blockCount`; the memory is `KVStorage`'s. Blocks come in
/// slabs of equal size, of which the first ``grantedSlabCount`` may be used; the block with the
/// lowest id is allocated first, so that the last slabs become empty and can be returned. A block
/// that no table names any more stays allocated until it is freed: it may be worth keeping.
/// Using a free block, or releasing one too often, traps.
package struct BlockPool: Sendable {
    /// Number of blocks, free or not, granted or not.
    package let blockCount: Int
    /// Blocks of a slab; the last slab may have fewer.
    package let slabBlockCount: Int
    /// Slabs that may be used, from the first on.
    package private(set) var grantedSlabCount: Int
    /// Number of blocks that are allocated.
    package private(set) var allocatedCount = 0

    /// A bit for each block, set if it is free.
    private var freeBits: [UInt64]
    /// No word before this one has a bit set.
    private var firstFreeWord = 0
    private var referenceCounts: [Int32]
    private var slabs: [Slab]

    private struct Slab: Sendable {
        var allocatedCount = 0
        /// Whether a block was allocated since its memory was last given back.
        var isTouched = false
    }

    /// Makes a pool of free blocks.
    ///
    /// - Parameters:
    ///   - blockCount: 0....
    ///   - slabBlockCount: 1...; nil makes one slab of all blocks.
    ///   - grantedSlabCount: How many slabs may be used at first; nil: all.
    package init(blockCount: Int, slabBlockCount: Int? = nil, grantedSlabCount: Int? = nil) {
        precondition((0...Int(Int32.max)).contains(blockCount), "a block id is an Int32")
        self.blockCount = blockCount
        self.slabBlockCount = max(1, slabBlockCount ?? blockCount)
        let slabCount = (blockCount + self.slabBlockCount - 1) / self.slabBlockCount
        self.grantedSlabCount = min(max(0, grantedSlabCount ?? slabCount), slabCount)
        freeBits = (0..<(blockCount + 63) / 64).map { word in
            let count = min(64, blockCount - word * 64)
            return count == 64 ? .max : (1 << UInt64(count)) - 1
        }
        referenceCounts = Array(repeating: 0, count: blockCount)
        slabs = Array(repeating: Slab(), count: slabCount)
    }

    /// Slabs there are, granted or not.
    package var slabCount: Int { slabs.count }

    /// Number of blocks in granted slabs.
    package var grantedBlockCount: Int { min(blockCount, grantedSlabCount * slabBlockCount) }

    /// Number of blocks that can be allocated.
    package var freeCount: Int { grantedBlockCount - allocatedCount }

    /// Takes the free block with the lowest id, with one reference.
    ///
    /// - Returns: nil if none is free.
    package mutating func allocate() -> Int32? {
        guard freeCount > 0 else { return nil }
        while freeBits[firstFreeWord] == 0 { firstFreeWord += 1 }
        let bit = freeBits[firstFreeWord].trailingZeroBitCount
        freeBits[firstFreeWord] &= freeBits[firstFreeWord] - 1
        let block = firstFreeWord * 64 + bit
        referenceCounts[block] = 1
        allocatedCount += 1
        slabs[block / slabBlockCount].allocatedCount += 1
        slabs[block / slabBlockCount].isTouched = true
        return Int32(block)
    }

    /// Adds a reference to an allocated block: a further table names it.
    package mutating func share(_ block: Int32) {
        precondition(isAllocated(block), "only an allocated block can be shared")
        referenceCounts[Int(block)] += 1
    }

    /// Drops one reference; the block stays allocated.
    ///
    /// - Returns: How many references are left.
    package mutating func release(_ block: Int32) -> Int {
        precondition(referenceCount(of: block) > 0, "a block is released once per reference")
        referenceCounts[Int(block)] -= 1
        return Int(referenceCounts[Int(block)])
    }

    /// Makes an allocated block without references free.
    package mutating func free(_ block: Int32) {
        precondition(isAllocated(block), "a block is freed once")
        precondition(referenceCount(of: block) == 0, "no table names a freed block")
        let (word, bit) = (Int(block) / 64, UInt64(block) % 64)
        freeBits[word] |= 1 << bit
        firstFreeWord = min(firstFreeWord, word)
        allocatedCount -= 1
        slabs[Int(block) / slabBlockCount].allocatedCount -= 1
    }

    /// How many tables name a block; 0 if it is free or only kept.
    package func referenceCount(of block: Int32) -> Int { Int(referenceCounts[Int(block)]) }

    /// Whether a block is not free.
    package func isAllocated(_ block: Int32) -> Bool {
        freeBits[Int(block) / 64] & (1 << (UInt64(block) % 64)) == 0
    }
}

// MARK: Slabs

extension BlockPool {
    /// Allows the use of further slabs, at most all.
    package mutating func grant(slabs count: Int) {
        grantedSlabCount = min(slabCount, grantedSlabCount + max(0, count))
    }

    /// Gives up the last granted slabs that are empty, but for the first `kept`.
    ///
    /// - Returns: How many slabs may no longer be used.
    package mutating func withdrawEmptySlabs(keeping kept: Int) -> Int {
        var count = 0
        while grantedSlabCount > kept, slabs[grantedSlabCount - 1].allocatedCount == 0 {
            grantedSlabCount -= 1
            count += 1
        }
        return count
    }

    /// The blocks of empty slabs whose memory may be committed; each is named once after use.
    package mutating func takeEmptiedBlocks() -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for index in slabs.indices
        where slabs[index].isTouched && slabs[index].allocatedCount == 0 {
            slabs[index].isTouched = false
            let first = index * slabBlockCount
            ranges.append(first..<min(blockCount, first + slabBlockCount))
        }
        return ranges
    }

    /// Traps unless counts, bits and slabs agree.
    ///
    /// - Complexity: O(blockCount).
    package func checkInvariants() {
        let allocated = (0..<Int32(blockCount)).filter(isAllocated)
        precondition(allocated.count == allocatedCount, "allocated blocks are counted")
        precondition(
            allocated.allSatisfy { Int($0) < grantedBlockCount },
            "only granted blocks are allocated"
        )
        precondition(
            referenceCounts.indices.allSatisfy {
                referenceCounts[$0] >= 0 && (referenceCounts[$0] == 0 || isAllocated(Int32($0)))
            },
            "only allocated blocks have references"
        )
        for index in slabs.indices {
            let count = allocated.count { Int($0) / slabBlockCount == index }
            precondition(slabs[index].allocatedCount == count, "a slab's blocks are counted")
            precondition(count == 0 || slabs[index].isTouched, "a slab in use is touched")
        }
    }
}
