/// Who computes next: of those who want to, the one that has had the least compute time for its
/// weight.
///
/// Pure. Times are weighted nanoseconds and mean something only beside each other.
package enum TurnPolicy {
    /// How far the holder may run ahead of the next one before it gives the turn away: 5 ms.
    ///
    /// A change of turns costs about a tenth of a millisecond; some steps take no longer.
    static let lead: UInt64 = 5_000_000

    /// What a decision says.
    package struct Decision: Sendable, Hashable {
        /// Whose turn it is; nil if nobody wants it.
        package var seat: Int?
        /// The least time of all who want the turn: where a newcomer begins.
        package var floor: UInt64
    }

    /// Decides at the end of a step, or of a holder.
    ///
    /// - Parameters:
    ///   - holder: Who has the turn and wants to go on; nil if nobody does.
    ///   - waiting: Who else wants it: bit n stands for seat n.
    ///   - floor: The floor so far, which never sinks.
    ///   - used: The time that a seat has had.
    /// - Returns: Whose turn it is, and the new floor.
    package static func decide(
        holder: Int?,
        waiting: UInt64,
        floor: UInt64,
        used: (Int) -> UInt64
    ) -> Decision {
        var best: (seat: Int, used: UInt64)?
        var rest = waiting
        while rest != 0 {
            let seat = rest.trailingZeroBitCount
            rest &= rest - 1
            let time = used(seat)
            if best.map({ time < $0.used }) ?? true { best = (seat, time) }
        }
        guard let holder else {
            return Decision(seat: best?.seat, floor: max(floor, best?.used ?? 0))
        }
        let own = used(holder)
        guard let best else { return Decision(seat: holder, floor: max(floor, own)) }
        let isAhead = own >= best.used && own - best.used >= lead
        return Decision(
            seat: isAhead ? best.seat : holder,
            floor: max(floor, min(own, best.used))
        )
    }

    /// The time of a seat after it has computed.
    ///
    /// - Parameters:
    ///   - used: The time before.
    ///   - nanoseconds: How long it computed.
    ///   - weight: Its share beside others', in thousandths; 1000 for an ordinary one.
    /// - Returns: The sum.
    package static func charged(_ used: UInt64, nanoseconds: UInt64, weight: UInt32) -> UInt64 {
        let (scaled, overflows) = nanoseconds.multipliedReportingOverflow(by: 1000)
        return used &+ (overflows ? nanoseconds : scaled / UInt64(max(weight, 1)))
    }

    /// The time with which a seat that was idle comes back: it has saved nothing up meanwhile, else it
    /// would keep the turn until the others had waited as long.
    package static func returning(_ used: UInt64, floor: UInt64) -> UInt64 { max(used, floor) }
}
