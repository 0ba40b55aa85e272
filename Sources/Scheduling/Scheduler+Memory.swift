import KVCache
package import Platform
import WorkerProtocol

extension Scheduler {
    /// How many further slabs of blocks would be of use, of those there are.
    ///
    /// Asked for ahead of the need, since the answer takes a step: blocks for two full steps, and one
    /// slab more if somebody had to wait for blocks.
    package var wantedSlabCount: Int {
        let pool = cache.pool
        let ahead = 2 * Self.blockCount(tokens: limits.stepTokenCount)
        let missing = max(0, ahead - pool.freeCount, isShortOfBlocks ? 1 : 0)
        let wanted = (missing + pool.slabBlockCount - 1) / pool.slabBlockCount
        return min(wanted, pool.slabCount - pool.grantedSlabCount)
    }

    /// Allows the use of further slabs.
    package mutating func grant(slabs count: Int) { cache.grant(slabs: count) }

    /// What can be given back after a look at what nobody used for long.
    package struct Surplus: Sendable, Hashable {
        /// Slabs at the end that may no longer be used.
        package let slabCount: Int
        /// Blocks whose memory need not be committed; their content is lost.
        package let emptiedBlocks: [Range<Int>]
    }

    /// Forgets what the cache kept for longer than the retention.
    ///
    /// Not between ``schedule(now:)`` and the commit of its plan.
    package mutating func takeSurplus(now: MonotonicInstant) -> Surplus {
        cache.expire(before: now.advanced(by: .zero - limits.cacheRetention))
        let withdrawn = cache.withdrawEmptySlabs(keeping: keptSlabCount)
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
        let total = running.count + waiting.count
        precondition(total <= limits.queue.requestCount, "the queue is bounded")
    }
}
