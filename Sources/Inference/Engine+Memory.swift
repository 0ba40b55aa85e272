package import Platform
import Scheduling

// Slabs of KV blocks: asked for, used, given back.
extension Engine {
    /// What the scheduler knows about slabs, in bytes.
    private var slabByteCount: Int {
        configuration.slabBlockCount * configuration.blockByteCount
    }

    /// How often to look for blocks that were kept for too long.
    private static let sweepInterval = Duration.seconds(5)
    /// When to ask again after a refusal.
    private static let refusalInterval = Duration.seconds(1)
    /// How long to wait for memory or a deadline before looking again.
    private static let stalledInterval = Duration.milliseconds(50)

    /// Answers a wish; 0 says that there is no memory now.
    package func grantMemory(_ byteCount: Int, now: MonotonicInstant) {
        let slabCount = byteCount / slabByteCount
        let surplus = byteCount - slabCount * slabByteCount
        if surplus > 0 { pendingMoves.append(.returned(byteCount: surplus)) }
        scheduler.grant(slabs: slabCount)
        nextWish = slabCount > 0 ? now : now.advanced(by: Self.refusalInterval)
    }

    /// Others need memory: what is only kept for later prompts is given back with the next
    /// ``memoryMoves(now:)``, which answers with a return even if that is of 0 bytes.
    package func releaseMemory() { othersNeedMemory = true }

    /// What changed since the last call; not within a step.
    package func memoryMoves(now: MonotonicInstant) -> [MemoryMove] {
        precondition(plan == nil, "memory moves between steps")
        var moves = pendingMoves
        pendingMoves = []
        let wanted = scheduler.wantedSlabCount
        if let wish = nextWish, wish <= now, wanted > 0, !scheduler.isIdle {
            moves.append(.wanted(byteCount: wanted * slabByteCount))
            nextWish = nil
        }
        if now >= nextSweep || othersNeedMemory {
            nextSweep = now.advanced(by: Self.sweepInterval)
            let surplus = scheduler.takeSurplus(now: now, keepsCache: !othersNeedMemory)
            moves += surplus.emptiedBlocks.map { .emptied($0) }
            if surplus.slabCount > 0 || othersNeedMemory {
                moves.append(.returned(byteCount: surplus.slabCount * slabByteCount))
            }
            othersNeedMemory = false
        }
        return moves
    }

    /// When to call ``beginStep(now:)`` and ``memoryMoves(now:)`` again if no command comes; nil if
    /// there will be nothing to do.
    package var nextWakeUp: MonotonicInstant? {
        if !isIdle {
            let stalled = lastLook.advanced(by: Self.stalledInterval)
            return min(scheduler.nextDeadline ?? stalled, stalled)
        }
        return scheduler.cachedBlockCount > 0 ? nextSweep : nil
    }
}
