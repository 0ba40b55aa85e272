/// The KV blocks of one sequence in the order of positions, and what makes them findable.
package struct BlockTable: Sendable {
    /// The sequence's namespace: a root of the cache.
    package let root: Int32
    /// Block of positions `0..<32`, of `32..<64`, and so on.
    package internal(set) var blocks: [Int32] = []
    /// The hash of the first block's tokens, of the first two blocks', and so on, as far as they
    /// were needed.
    private var hashes: [PrefixHash] = []

    /// Makes an empty table below a root of a ``PrefixCache``.
    package init(root: Int32) {
        self.root = root
    }

    /// Adds a block that was allocated for this table.
    package mutating func append(_ block: Int32) { blocks.append(block) }

    /// The block before the one at an index, or the root.
    func parent(of index: Int) -> PrefixCache.Parent {
        index == 0 ? PrefixCache.parent(root: root) : blocks[index - 1]
    }

    /// The hash of the tokens through a block.
    ///
    /// Tokens must never change once they were hashed.
    mutating func hash(through index: Int, of tokens: [Int32]) -> PrefixHash {
        while hashes.count <= index {
            let first = hashes.count * KVStorage.blockTokenCount
            let start = hashes.last ?? PrefixHash(namespace: root)
            hashes.append(start.appending(tokens[first..<first + KVStorage.blockTokenCount]))
        }
        return hashes[index]
    }

    /// Forgets the blocks, but not the hashes.
    package mutating func removeAll() { blocks = [] }

    /// Whether both tables say the same about positions before the block at an index.
    ///
    /// Both have at least `index` blocks.
    package func hasSameWay(as other: BlockTable, through index: Int) -> Bool {
        parent(of: index) == other.parent(of: index)
    }
}

/// A block whose content another block shall have before the next step.
package struct BlockCopy: Sendable, Hashable {
    /// Where the keys and values are.
    package let source: Int32
    /// Where they shall be too.
    package let destination: Int32
}
