package import Platform

// The tree, and how its blocks are given up.
extension PrefixCache {
    static func parent(root: Int32) -> Parent { -1 - root }

    func tokens(of block: Int32) -> ArraySlice<Int32> {
        let first = Int(block) * Self.blockTokenCount
        return tokens[first..<first + nodes[Int(block)].tokenCount]
    }

    func firstChild(of parent: Parent) -> Int32 {
        parent >= 0 ? nodes[Int(parent)].firstChild : firstChildrenOfRoots[Int(-1 - parent)]
    }

    private mutating func setFirstChild(of parent: Parent, _ block: Int32) {
        if parent >= 0 {
            nodes[Int(parent)].firstChild = block
        } else {
            firstChildrenOfRoots[Int(-1 - parent)] = block
        }
    }

    mutating func link(_ block: Int32, below parent: Parent) {
        let next = firstChild(of: parent)
        nodes[Int(block)] = Node(parent: parent, nextSibling: next)
        if next != Self.nobody { nodes[Int(next)].previousSibling = block }
        setFirstChild(of: parent, block)
    }

    /// Takes a block without children out of the tree.
    mutating func unlink(_ block: Int32) {
        let node = nodes[Int(block)]
        precondition(node.firstChild == Self.nobody, "no block is left without its way")
        if node.previousSibling == Self.nobody {
            setFirstChild(of: node.parent, node.nextSibling)
        } else {
            nodes[Int(node.previousSibling)].nextSibling = node.nextSibling
        }
        if node.nextSibling != Self.nobody {
            nodes[Int(node.nextSibling)].previousSibling = node.previousSibling
        }
        if let hash = node.hash { index[hash] = nil }
        nodes[Int(block)] = Node()
    }

    mutating func enqueueIfLeaf(_ block: Int32) {
        guard isCached(block), nodes[Int(block)].firstChild == Self.nobody else { return }
        stampCount += 1
        nodes[Int(block)].stamp = stampCount
        let priority = nodes[Int(block)].priority
        queue.insert(EvictionQueue.Entry(block: block, priority: priority, stamp: stampCount))
        if queue.count > 2 * pool.blockCount + 64 {
            let nodes = nodes
            queue.filter { nodes[Int($0.block)].stamp == $0.stamp }
        }
    }

    private func isCached(_ block: Int32) -> Bool {
        nodes[Int(block)].tokenCount > 0 && pool.referenceCount(of: block) == 0
    }

    mutating func giveUpLeastValuable() {
        while let entry = queue.popFirst() {
            // An entry is stale if the block was used since, or got a child.
            let node = nodes[Int(entry.block)]
            guard node.stamp == entry.stamp, node.firstChild == Self.nobody else { continue }
            clock = max(clock, entry.priority)
            giveUp(entry.block)
            return
        }
    }

    /// Frees a cached leaf; its parent may be the next.
    private mutating func giveUp(_ block: Int32) {
        let parent = nodes[Int(block)].parent
        unlink(block)
        cachedCount -= 1
        pool.free(block)
        if parent >= 0 { enqueueIfLeaf(parent) }
    }

    /// Gives up what nobody used since an instant.
    ///
    /// - Complexity: O(blockCount).
    package mutating func expire(before cutoff: MonotonicInstant) {
        for first in 0..<Int32(pool.blockCount) {
            var block = first
            while block >= 0, isCached(block), nodes[Int(block)].firstChild == Self.nobody,
                nodes[Int(block)].lastUse < cutoff
            {
                let parent = nodes[Int(block)].parent
                giveUp(block)
                block = parent
            }
        }
    }

    /// Of a cached tail and its siblings, frees those that hold nothing the others lack.
    mutating func removeRepeatedTails(around block: Int32) {
        let ours = Array(tokens(of: block))
        var sibling = firstChild(of: nodes[Int(block)].parent)
        while sibling != Self.nobody {
            let next = nodes[Int(sibling)].nextSibling
            let theirs = tokens(of: sibling)
            if sibling != block {
                if isTail(block), theirs.starts(with: ours) { return giveUp(block) }
                if isTail(sibling), isCached(sibling), ours.starts(with: theirs) { giveUp(sibling) }
            }
            sibling = next
        }
    }

    private func isTail(_ block: Int32) -> Bool {
        nodes[Int(block)].tokenCount < Self.blockTokenCount
    }
}

extension PrefixCache {
    /// Allows the use of further slabs.
    package mutating func grant(slabs count: Int) { pool.grant(slabs: count) }

    /// Gives up empty slabs at the end; see ``BlockPool/withdrawEmptySlabs(keeping:)``.
    package mutating func withdrawEmptySlabs(keeping kept: Int) -> Int {
        pool.withdrawEmptySlabs(keeping: kept)
    }

    /// The blocks of emptied slabs; see ``BlockPool/takeEmptiedBlocks()``.
    package mutating func takeEmptiedBlocks() -> [Range<Int>] { pool.takeEmptiedBlocks() }

    /// Traps unless tables, references, tree and index agree.
    ///
    /// - Parameter tables: All tables there are.
    /// - Complexity: O(blockCount + blocks of all tables).
    package func checkInvariants(tables: [BlockTable]) {
        pool.checkInvariants()
        var references: [Int32: Int] = [:]
        for block in tables.flatMap(\.blocks) { references[block, default: 0] += 1 }
        var cached = 0
        for block in 0..<Int32(pool.blockCount) {
            let count = references[block] ?? 0
            precondition(pool.referenceCount(of: block) == count, "a reference for each table")
            let node = nodes[Int(block)]
            precondition(
                pool.isAllocated(block) == (count > 0 || node.tokenCount > 0),
                "an allocated block is used or known"
            )
            if node.tokenCount == 0 { continue }
            if count == 0 { cached += 1 }
            if node.parent >= 0 {
                let parent = nodes[Int(node.parent)]
                precondition(parent.tokenCount == Self.blockTokenCount, "tails have no children")
                precondition(
                    pool.referenceCount(of: node.parent) >= count,
                    "who uses a block uses the way to it"
                )
            }
            if let hash = node.hash { precondition(index[hash] == block, "the index agrees") }
            var child = node.firstChild
            while child != Self.nobody {
                precondition(nodes[Int(child)].parent == block, "a child names its parent")
                child = nodes[Int(child)].nextSibling
            }
        }
        precondition(cached == cachedCount, "cached blocks are counted")
        precondition(index.values.allSatisfy { nodes[Int($0)].hash != nil }, "no dead entries")
    }
}
