import KVCache
import Platform
import TestSupport
import Testing

@Suite struct PrefixCacheTests {
    static let start = MonotonicInstant(nanoseconds: 0)

    /// Computes a text that nothing is known of, in blocks of its own.
    static func compute(_ tokens: [Int32], in cache: inout PrefixCache) -> BlockTable {
        var table = BlockTable(root: cache.root(of: ""))
        let count = cache.adoptBlocks(into: &table, tokens: tokens, limit: tokens.count)
        for _ in 0..<(tokens.count - count + 31) / 32 {
            if let block = cache.allocate() { table.append(block) }
        }
        cache.record(count..<tokens.count, in: &table, tokens: tokens)
        return table
    }

    @Test func `blocks that two compute at once become one when they are full`() {
        var cache = PrefixCache(pool: BlockPool(blockCount: 8))
        let tokens = (0..<40).map { Int32($0) }
        var tables = [BlockTable(root: cache.root(of: "")), BlockTable(root: cache.root(of: ""))]
        for place in tables.indices {
            for _ in 0..<2 { if let block = cache.allocate() { tables[place].append(block) } }
        }
        for position in 0..<40 {
            for place in tables.indices {
                cache.record(position..<position + 1, in: &tables[place], tokens: tokens)
                cache.checkInvariants(tables: tables)
            }
        }
        #expect(tables[0].blocks[0] == tables[1].blocks[0])
        #expect(tables[0].blocks[1] != tables[1].blocks[1], "tails still grow")
        #expect(cache.usedCount == 3)
        for table in tables { cache.release(table, now: Self.start) }
        cache.checkInvariants(tables: [])
        #expect(cache.cachedCount == 2, "of equal tails one is kept")
    }

    @Test func `what was computed with other weights is never taken`() {
        var cache = PrefixCache(pool: BlockPool(blockCount: 8))
        let tokens = (0..<70).map { Int32($0) }
        cache.release(Self.compute(tokens, in: &cache), now: Self.start)
        for (weights, known) in [(UInt64(0), 2), (1, 0), (2, 0)] {
            var table = BlockTable(root: cache.root(of: "", weights: weights))
            let found = cache.adoptableCount(after: table, tokens: tokens, limit: 70)
            #expect(found.all == known, "weights \(weights)")
            guard known == 0 else { continue }
            #expect(cache.adoptTail(into: &table, tokens: tokens, limit: 70) == nil)
        }
        #expect(cache.root(of: "", weights: 1) != cache.root(of: "1"))
    }

    @Test func `a block is given up after those that follow it, the least used first`() {
        var cache = PrefixCache(pool: BlockPool(blockCount: 6))
        let often = (0..<64).map { Int32($0) }
        let once = (0..<64).map { Int32(1000 + $0) }
        for text in [often, often, often, once] {
            cache.release(Self.compute(text, in: &cache), now: Self.start)
        }
        #expect(cache.cachedCount == 4)
        // Two are free; the third and the fourth take the blocks of what came once.
        let other = Self.compute((0..<128).map { Int32(5000 + $0) }, in: &cache)
        #expect(cache.cachedCount == 2)
        cache.checkInvariants(tables: [other])
        let empty = BlockTable(root: cache.root(of: ""))
        #expect(cache.adoptableCount(after: empty, tokens: often, limit: 64).all == 2)
        #expect(cache.adoptableCount(after: empty, tokens: once, limit: 64).all == 0)
        #expect(cache.allocate() != nil, "its second block")
        #expect(cache.adoptableCount(after: empty, tokens: often, limit: 64).all == 1)
    }

    @Test func `what nobody used for long is forgotten, from the leaves on`() {
        var cache = PrefixCache(pool: BlockPool(blockCount: 8))
        let tokens = (0..<96).map { Int32($0) }
        cache.release(Self.compute(tokens, in: &cache), now: Self.start)
        let later = Self.start.advanced(by: .seconds(10))
        cache.release(Self.compute(Array(tokens.prefix(32)), in: &cache), now: later)
        cache.expire(before: later)
        #expect(cache.cachedCount == 1)
        cache.checkInvariants(tables: [])
        cache.expire(before: later.advanced(by: .seconds(1)))
        #expect(cache.cachedCount == 0)
        #expect(cache.pool.allocatedCount == 0)
    }

    @Test func `a tail is copied token by token, and its source is not given up for it`() {
        var cache = PrefixCache(pool: BlockPool(blockCount: 2))
        let known = (0..<40).map { Int32($0) }
        cache.release(Self.compute(known, in: &cache), now: Self.start)
        let wanted = Array(known.prefix(36)) + [77, 78]
        var table = BlockTable(root: cache.root(of: ""))
        let adopted = cache.adoptBlocks(into: &table, tokens: wanted, limit: 37)
        #expect(adopted == 32)
        // Both blocks are taken, so there is none for a copy.
        let none = cache.adoptTail(into: &table, tokens: wanted, limit: 37)
        #expect(none == nil)
        cache.checkInvariants(tables: [table])

        cache = PrefixCache(pool: BlockPool(blockCount: 3))
        cache.release(Self.compute(known, in: &cache), now: Self.start)
        table = BlockTable(root: cache.root(of: ""))
        _ = cache.adoptBlocks(into: &table, tokens: wanted, limit: 37)
        let tail = cache.adoptTail(into: &table, tokens: wanted, limit: 37)
        #expect(tail?.tokenCount == 4)
        #expect(tail?.copy.destination == table.blocks.last)
        #expect(tail?.copy.source != tail?.copy.destination)
        cache.checkInvariants(tables: [table])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `tables of random texts hold only what was computed for their own way`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var cache = PrefixCache(pool: BlockPool(blockCount: 30))
        var contents: [Int32: [Int32]] = [:]
        var tables: [(tokens: [Int32], table: BlockTable)] = []
        for step in 0..<200 {
            let now = Self.start.advanced(by: .seconds(step))
            if random.chance(0.4), !tables.isEmpty {
                let index = random.int(in: 0...tables.count - 1)
                cache.release(tables.remove(at: index).table, now: now)
            } else if tables.count < 4 {
                let text = Int32(random.int(in: 0...2))
                let common = random.int(in: 0...120)
                let tokens = (0..<random.int(in: 1...130)).map { position in
                    position < common ? text : Int32(random.int(in: 10...12))
                }
                var table = BlockTable(root: cache.root(of: ""))
                var count = cache.adoptBlocks(into: &table, tokens: tokens, limit: tokens.count)
                if let tail = cache.adoptTail(into: &table, tokens: tokens, limit: tokens.count) {
                    contents[tail.copy.destination] = contents[tail.copy.source]
                    cache.record(count..<count + tail.tokenCount, in: &table, tokens: tokens)
                    count += tail.tokenCount
                }
                for position in 0..<count {
                    let content = contents[table.blocks[position / 32]]?[position % 32]
                    #expect(content == tokens[position], "seed \(seed)")
                }
                while table.blocks.count < (tokens.count + 31) / 32, let block = cache.allocate() {
                    table.append(block)
                }
                for position in count..<tokens.count {
                    let block = table.blocks[position / 32]
                    contents[block, default: Array(repeating: -1, count: 32)][position % 32] =
                        tokens[position]
                }
                cache.record(count..<tokens.count, in: &table, tokens: tokens)
                tables.append((tokens, table))
            }
            if random.chance(0.05) { cache.expire(before: now.advanced(by: .seconds(-20))) }
            cache.checkInvariants(tables: tables.map(\.table))
        }
    }
}
