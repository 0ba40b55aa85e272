package import Platform

/// One worker's side of a `TurnTable`.
///
/// Confined to the engine thread. Alone, a step costs a few atomic operations.
package final class ComputeTurn {
    private let table: TurnTable
    private let number: Int
    private let seat: TurnTable.Seat
    private let patience: Duration
    /// The turn as long as this worker has it.
    private var held: TurnState?

    /// A turn may last so long without a step: 1 s.
    ///
    /// The scheduler aims at steps of 150 ms at most.
    package static let defaultPatience = Duration.seconds(1)

    /// Sits down.
    ///
    /// - Parameters:
    ///   - table: Shared with the gateway and the other workers.
    ///   - seat: The seat that the gateway assigned, `0 ..< TurnTable.seatCount`.
    ///   - patience: How long a holder may stand still before its turn is taken away.
    package init(table: TurnTable, seat: Int, patience: Duration = defaultPatience) {
        self.table = table
        number = seat
        self.seat = table.seat(seat)
        self.patience = patience
    }

    /// Takes the turn, or keeps it; waits in the system while another worker has it.
    ///
    /// - Returns: Whether it had to wait.
    package func take(clock: () -> MonotonicInstant) -> Bool {
        if let held, held.rawValue == table.turn.value { return false }
        if held == nil {
            seat.used.value = TurnPolicy.returning(seat.used.value, floor: table.floor.value)
        }
        let state = TurnState(rawValue: table.turn.value)
        if state.holder == nil, seize(state) { return false }
        wait(clock: clock)
        return true
    }

    /// Counts a step that has been computed in this turn, and gives the turn away if somebody else
    /// should have it.
    ///
    /// - Parameter duration: How long the step took.
    package func stepped(duration: Duration) {
        seat.used.value = TurnPolicy.charged(
            seat.used.value,
            nanoseconds: UInt64(max(0, duration.wholeNanoseconds)),
            weight: UInt32(clamping: seat.weight.value)
        )
        guard let state = held else { return }
        let decision = TurnPolicy.decide(
            holder: number,
            waiting: table.others(than: number),
            floor: table.floor.value
        ) { table.seat($0).used.value }
        table.floor.value = decision.floor
        if decision.seat == number {
            // The count tells those who wait that this holder moves.
            held = nil
            _ = seize(state)
        } else {
            held = nil
            table.passOn(state, from: number)
        }
    }

    /// Gives the turn away because there is nothing to compute.
    package func release() {
        guard let state = held else { return }
        held = nil
        table.passOn(state, from: number)
    }

    private var bit: UInt64 { 1 << UInt64(number) }

    private func seize(_ state: TurnState) -> Bool {
        let next = state.next(holder: number)
        guard table.turn.exchange(state.rawValue, for: next.rawValue) else { return false }
        held = next
        return true
    }

    private func wait(clock: () -> MonotonicInstant) {
        var seen = TurnState(rawValue: table.turn.value)
        var since = clock()
        defer { table.waiting.clearBits(bit) }
        while true {
            // In every round: who was taken for dead is not known to wait any more.
            table.waiting.setBits(bit)
            let ringCount = seat.alarm.ringCount
            let state = TurnState(rawValue: table.turn.value)
            guard let holder = state.holder else {
                if seize(state) { return }
                continue
            }
            if holder == number {
                held = state
                return
            }
            let now = clock()
            if state != seen {
                seen = state
                since = now
            }
            let rest = patience - now.duration(since: since)
            if rest > .zero {
                // A holder may stop just after a step that nobody was woken for, so look now and then.
                seat.alarm.wait(ringCount, timeout: min(rest, patience / 4))
            } else if seize(state) {
                // It may be stopped and wait: it would be given the turn again and again.
                table.waiting.clearBits(1 << UInt64(holder))
                return
            }
        }
    }
}
