import KVCache
package import Platform
import WorkerProtocol

extension Scheduler {
    /// How many further slabs of blocks would be of use, of those there are.
    ///
    /// Asked for ahead of the need, since the answer takes a step: what all who run may need, blocks
    /// for two full steps, and what somebody waits for. For the sake of what is only kept, slabs are
    /// wanted until that is a quarter of all blocks.
    package var wantedSlabCount: Int {
        let pool = cache.pool
        let mayKeepMore = cache.cachedCount < pool.blockCount / 4
        let available = mayKeepMore ? pool.freeCount : cache.availableCount
        let missing = max(0, blockCountAhead - available, missingBlockCount)
        let wanted = (missing + pool.slabBlockCount - 1) / pool.slabBlockCount
        return min(wanted, pool.slabCount - pool.grantedSlabCount)
    }

    /// Blocks that should be free.
    private var blockCountAhead: Int {
        isIdle ? 0 : outstandingBlockCount + 2 * Self.blockCount(tokens: limits.stepTokenCount)
    }

    /// Whether more slabs can be had, as far as is known.
    var mayGrow: Bool {
        cache.pool.grantedSlabCount < cache.pool.slabCount && !isRefusedSlabs
    }

    /// Allows the use of further slabs; 0 says that there are none for the moment.
    package mutating func grant(slabs count: Int) {
        isRefusedSlabs = count == 0
        cache.grant(slabs: count)
    }

    /// What can be given back after a look at what nobody used for long.
    package struct Surplus: Sendable, Hashable {
        /// Slabs at the end that may no longer be used.
        package let slabCount: Int
        /// Blocks whose memory need not be committed; their content is lost.
        package let emptiedBlocks: [Range<Int>]
    }

    /// Forgets what the cache kept for longer than the retention, or everything that no sequence
    /// uses if it shall keep nothing.
    ///
    /// Not between ``schedule(now:)`` and the commit of its plan.
    package mutating func takeSurplus(
        now: MonotonicInstant,
        keepsCache: Bool = true
    ) -> Surplus {
        let everything = MonotonicInstant(nanoseconds: .max)
        cache.expire(
            before: keepsCache ? now.advanced(by: .zero - limits.cacheRetention) : everything
        )
        let pool = cache.pool
        let surplus = max(0, pool.freeCount - blockCountAhead) / pool.slabBlockCount
        let withdrawn = cache.withdrawEmptySlabs(
            keeping: max(keptSlabCount, pool.grantedSlabCount - surplus)
        )
        return Surplus(slabCount: withdrawn, emptiedBlocks: cache.takeEmptiedBlocks())
    }

    /// Traps unless blocks, queues and counts agree.
    ///
    /// - Complexity: O(blocks + sequences).
    package func checkInvariants() {
        cache.checkInvariants(tables: running.map(\.table))
        for sequence in running {
            precondition(
                sequence.table.blocks.count >= Self.blockCount(tokens: sequence.computedTokenCount),
                "computed tokens have blocks"
            )
            precondition(sequence.missingTokenCount >= 0, "only known tokens are computed")
            precondition(sequence.tokens.count <= sequence.maximumTokenCount, "within its maximum")
        }
        precondition(
            waiting.allSatisfy { $0.table.blocks.isEmpty && $0.computedTokenCount == 0 },
            "who waits holds nothing"
        )
        for queue in [running, waiting] {
            precondition(
                zip(queue, queue.dropFirst()).allSatisfy { $0.id < $1.id },
                "queues are in order of arrival"
            )
        }
        precondition(running.count <= limits.runningCount, "no more run than allowed")
        let counted = (running + waiting).count { !$0.isMember }
        precondition(counted <= limits.queue.requestCount, "the queue is bounded")
    }
}
