extension PrefixCache {
    /// Continues a table with the full blocks that are known to continue it.
    ///
    /// - Parameters:
    ///   - table: Ends at a block boundary; gets the blocks.
    ///   - known: The sequence's known tokens.
    ///   - limit: Positions from here on are not wanted; at most `tokens.count`.
    /// - Returns: Positions that need no computation any more.
    package mutating func adoptBlocks(
        into table: inout BlockTable,
        tokens known: [Int32],
        limit: Int
    ) -> Int {
        var count = 0
        while let block = fullBlock(following: &table, of: known, limit: limit) {
            reference(block)
            table.append(block)
            count += Self.blockTokenCount
        }
        return count
    }

    /// What ``adoptTail(into:tokens:limit:)`` found.
    package struct AdoptedTail: Sendable {
        /// Positions that need no computation any more.
        package let tokenCount: Int
        /// What must be copied before the next step.
        package let copy: BlockCopy
    }

    /// Continues a table with a copy of the block that has the most of its next tokens in common.
    ///
    /// Parameters as those of ``adoptBlocks(into:tokens:limit:)``.
    ///
    /// - Returns: nil if no block is worth it, or none is free for the copy.
    /// - Complexity: O(blocks that follow the table's last).
    package mutating func adoptTail(
        into table: inout BlockTable,
        tokens known: [Int32],
        limit: Int
    ) -> AdoptedTail? {
        let position = table.blocks.count * Self.blockTokenCount
        guard position < limit else { return nil }
        let parent = table.parent(of: table.blocks.count)
        guard let (source, count) = longestMatch(of: known[position..<limit], below: parent),
            count >= Self.minimumCopiedTokenCount
        else { return nil }
        // The reference keeps the source from being the block that is given up for its copy.
        reference(source)
        defer { release(source, now: nodes[Int(source)].lastUse) }
        guard let block = allocate() else { return nil }
        table.append(block)
        return AdoptedTail(
            tokenCount: count,
            copy: BlockCopy(source: source, destination: block)
        )
    }

    /// How many blocks ``adoptBlocks(into:tokens:limit:)`` would add.
    ///
    /// - Returns: All of them, and those among them that are cached, not in use.
    package func adoptableCount(
        after table: BlockTable,
        tokens known: [Int32],
        limit: Int
    ) -> (all: Int, cached: Int) {
        var table = table
        var cached = 0
        let first = table.blocks.count
        while let block = fullBlock(following: &table, of: known, limit: limit) {
            if pool.referenceCount(of: block) == 0 { cached += 1 }
            table.append(block)
        }
        return (table.blocks.count - first, cached)
    }

    /// Notes that positions of a table were computed (or copied), so that others can have them.
    ///
    /// A block that is filled and turns out to exist already is replaced by the older one.
    ///
    /// - Parameters:
    ///   - positions: Everything before was noted already.
    ///   - table: Has blocks up to the end of `positions`.
    ///   - known: The sequence's known tokens.
    package mutating func record(
        _ positions: Range<Int>,
        in table: inout BlockTable,
        tokens known: [Int32]
    ) {
        var position = positions.lowerBound
        while position < positions.upperBound {
            let place = position / Self.blockTokenCount
            let first = place * Self.blockTokenCount
            let end = min(positions.upperBound, first + Self.blockTokenCount)
            let block = table.blocks[place]
            if nodes[Int(block)].tokenCount == 0 {
                link(block, below: table.parent(of: place))
            }
            for next in position..<end {
                tokens[Int(block) * Self.blockTokenCount + next - first] = known[next]
            }
            nodes[Int(block)].tokenCount = end - first
            if end - first == Self.blockTokenCount { seal(place, of: &table, tokens: known) }
            position = end
        }
    }

    private mutating func seal(_ place: Int, of table: inout BlockTable, tokens known: [Int32]) {
        let block = table.blocks[place]
        let hash = table.hash(through: place, of: known)
        guard let other = index[hash] else {
            index[hash] = block
            nodes[Int(block)].hash = hash
            return
        }
        let first = place * Self.blockTokenCount
        let ours = known[first..<first + Self.blockTokenCount]
        guard other != block, isFull(other, below: table.parent(of: place), with: ours) else {
            return
        }
        reference(other)
        table.blocks[place] = other
        // Others may have taken this block while it grew only by copying.
        guard pool.release(block) == 0 else { preconditionFailure("nobody shares a tail") }
        unlink(block)
        pool.free(block)
    }

    private func fullBlock(
        following table: inout BlockTable,
        of known: [Int32],
        limit: Int
    ) -> Int32? {
        let place = table.blocks.count
        let first = place * Self.blockTokenCount
        guard first + Self.blockTokenCount <= limit,
            let block = index[table.hash(through: place, of: known)]
        else { return nil }
        let wanted = known[first..<first + Self.blockTokenCount]
        return isFull(block, below: table.parent(of: place), with: wanted) ? block : nil
    }

    private func isFull(_ block: Int32, below parent: Parent, with wanted: ArraySlice<Int32>)
        -> Bool
    {
        nodes[Int(block)].parent == parent && tokens(of: block).elementsEqual(wanted)
    }

    /// The block below a parent that begins with the most of these tokens; of equals the first.
    private func longestMatch(
        of wanted: ArraySlice<Int32>,
        below parent: Parent
    ) -> (block: Int32, tokenCount: Int)? {
        var best: (block: Int32, tokenCount: Int)?
        var child = firstChild(of: parent)
        while child != Self.nobody {
            let count = zip(tokens(of: child), wanted).prefix { $0 == $1 }.count
            if count > best?.tokenCount ?? 0 { best = (child, count) }
            child = nodes[Int(child)].nextSibling
        }
        return best
    }

    private mutating func reference(_ block: Int32) {
        if pool.referenceCount(of: block) == 0 {
            cachedCount -= 1
            nodes[Int(block)].stamp = 0
        }
        pool.share(block)
        nodes[Int(block)].adoptionCount += 1
    }
}
