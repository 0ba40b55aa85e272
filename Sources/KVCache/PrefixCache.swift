package import Platform

/// The KV blocks of one model by what is in them: who computes, who shares, and what is kept.
///
/// Blocks form a tree: a block follows another if its positions follow in some sequence, so the way
/// from a root to a block is the text whose keys and values it holds. Each namespace has a root.
/// A full block is found by the ``PrefixHash`` of its way and then compared token by token. The
/// last block of a sequence is in the tree too while it grows: another sequence may copy its
/// first positions. This rests on the engine's promise that keys and values depend on the tokens
/// before them alone, bit for bit.
///
/// | a block is | referenced by | in the tree | leaves that state |
/// | --- | --- | --- | --- |
/// | free | – | no | `allocate` |
/// | allocated | tables | no | `record`: its first positions were computed |
/// | in use | tables | yes | `release` by the last table |
/// | cached | – | yes | `adopt`, or given up when blocks run out or after some time |
///
/// Nobody gives up a block that others follow. Of the others the one with the least value goes
/// first: GreedyDual-Size-Frequency (Cherkasova, HP Labs 1998). A block's value is its tokens times
/// how often it was adopted, on top of a clock that rises to the value of whatever was given up.
///
/// Pure; confined to the engine thread as a part of its scheduler. One per model and KV type, so
/// neither is a part of the namespace.
package struct PrefixCache: Sendable {
    /// One root or block in the tree; not negative for a block.
    typealias Parent = Int32
    static let nobody: Int32 = .min

    struct Node: Sendable {
        var parent: Parent = PrefixCache.nobody
        var firstChild: Int32 = PrefixCache.nobody
        var nextSibling: Int32 = PrefixCache.nobody
        var previousSibling: Int32 = PrefixCache.nobody
        /// Positions whose keys and values are known; 0 if the block is not in the tree.
        var tokenCount = 0
        /// Under which it is in the index.
        var hash: PrefixHash?
        var adoptionCount = 0
        var priority = 0.0
        var stamp: UInt64 = 0
        var lastUse = MonotonicInstant(nanoseconds: 0)
    }

    /// Who is free and who is not.
    package internal(set) var pool: BlockPool
    var nodes: [Node]
    /// The tokens of each block, `[blockCount][blockTokenCount]`.
    var tokens: [Int32]
    var index: [PrefixHash: Int32] = [:]
    var roots: [Root: Int32] = [:]
    /// By root number.
    var firstChildrenOfRoots: [Int32] = []
    /// Blocks in the tree that no table names.
    package internal(set) var cachedCount = 0
    var queue = EvictionQueue()
    var clock = 0.0
    var stampCount: UInt64 = 0

    static let blockTokenCount = KVStorage.blockTokenCount

    /// Fewer tokens than this are computed rather than copied with their block.
    package static let minimumCopiedTokenCount = 4

    /// Makes an empty cache over all blocks of a pool.
    package init(pool: BlockPool) {
        self.pool = pool
        nodes = Array(repeating: Node(), count: pool.blockCount)
        tokens = Array(repeating: 0, count: pool.blockCount * Self.blockTokenCount)
    }

    /// Blocks that tables name.
    package var usedCount: Int { pool.allocatedCount - cachedCount }

    /// Blocks that ``allocate()`` can give.
    package var availableCount: Int { pool.freeCount + cachedCount }

    /// What tells roots apart.
    struct Root: Hashable, Sendable {
        let namespace: String
        let weights: UInt64
    }

    /// The number of a namespace's root; a new namespace gets one.
    ///
    /// - Parameters:
    ///   - namespace: Who may share prefixes.
    ///   - weights: Which of several weights the keys and values are computed with; others' are
    ///     another's.
    /// - Returns: The root's number.
    package mutating func root(of namespace: String, weights: UInt64 = 0) -> Int32 {
        let key = Root(namespace: namespace, weights: weights)
        if let root = roots[key] { return root }
        let root = Int32(firstChildrenOfRoots.count)
        roots[key] = root
        firstChildrenOfRoots.append(Self.nobody)
        return root
    }

    /// Takes a block for one table, if need be the cached one of the least value.
    ///
    /// - Returns: nil if every granted block is in use.
    package mutating func allocate() -> Int32? {
        if pool.freeCount == 0 { giveUpLeastValuable() }
        return pool.allocate()
    }

    /// Ends a table: blocks that it alone used are kept if something was computed in them.
    package mutating func release(_ table: BlockTable, now: MonotonicInstant) {
        for block in table.blocks.reversed() { release(block, now: now) }
    }

    mutating func release(_ block: Int32, now: MonotonicInstant) {
        guard pool.release(block) == 0 else { return }
        let node = nodes[Int(block)]
        guard node.tokenCount > 0 else { return pool.free(block) }
        cachedCount += 1
        nodes[Int(block)].lastUse = now
        let share = Double(node.tokenCount) / Double(Self.blockTokenCount)
        nodes[Int(block)].priority = clock + share * Double(1 + node.adoptionCount)
        removeRepeatedTails(around: block)
        enqueueIfLeaf(block)
    }
}
