package import Platform
import Synchronization

/// A page of memory that the gateway shares with its workers, so that one of them computes at a time.
///
/// The workers' threads all want all cores, and two pools of them that wait for each other by spinning
/// take each other's cores away. So a worker takes the turn before a step of its engine and looks after
/// the step whether somebody else should have it (`TurnPolicy`). Nothing but speed depends on the turn:
/// a worker that waits too long for one takes it away from a holder that stands still, and the gateway
/// takes it back from one that is dead.
///
/// | bytes | what |
/// | --- | --- |
/// | 0 | the turn: the seat of its holder plus one (0: nobody) in the low half; the high half counts its changes and its holder's steps |
/// | 8 | who waits: bit n stands for seat n |
/// | 16 | the floor: weighted nanoseconds with which a newcomer begins |
/// | 24 | who lives: bit n stands for seat n |
/// | 64 (n + 1) | seat n: weighted nanoseconds, weight in thousandths, alarm |
///
/// Safe from any thread. What workers write is believed as little as possible: at worst they wait
/// longer than they should.
package final class TurnTable: Sendable {
    /// Workers that can have a seat at the same time; further ones compute without turns.
    package static let seatCount = 63

    let turn: SharedNumber
    let waiting: SharedNumber
    let floor: SharedNumber
    private let living: SharedNumber
    private let memory: SharedMemory
    /// The gateway's note of who sits where.
    private let occupied = Mutex<UInt64>(0)

    private static let byteCount = 4096

    /// What is kept for one worker.
    struct Seat {
        let used: SharedNumber
        let weight: SharedNumber
        let alarm: SharedAlarm
    }

    /// Makes an empty table, in the gateway.
    package convenience init() throws(SystemError) {
        self.init(memory: try SharedMemory(byteCount: Self.byteCount))
    }

    /// Joins the gateway's table, in a worker; takes the descriptor over.
    package convenience init(owning descriptor: Int32) throws(SystemError) {
        self.init(memory: try SharedMemory(owning: descriptor, byteCount: Self.byteCount))
    }

    private init(memory: SharedMemory) {
        self.memory = memory
        turn = memory.number(at: 0)
        waiting = memory.number(at: 8)
        floor = memory.number(at: 16)
        living = memory.number(at: 24)
    }

    /// To be passed to a worker.
    ///
    /// Borrowed.
    package var descriptor: Int32 { memory.descriptor }

    func seat(_ number: Int) -> Seat {
        precondition((0..<Self.seatCount).contains(number), "the table has that seat")
        let offset = 64 * (number + 1)
        return Seat(
            used: memory.number(at: offset),
            weight: memory.number(at: offset + 8),
            alarm: memory.alarm(at: offset + 16)
        )
    }

    // MARK: The gateway

    /// Gives a worker a seat.
    ///
    /// - Parameter weight: Its share of the compute time beside others', in thousandths.
    /// - Returns: The seat's number; nil if none is free.
    package func assignSeat(weight: UInt32 = 1000) -> Int? {
        let number = occupied.withLock { occupied -> Int? in
            let number = (~occupied).trailingZeroBitCount
            guard number < Self.seatCount else { return nil }
            occupied |= 1 << UInt64(number)
            return number
        }
        guard let number else { return nil }
        seat(number).used.value = floor.value
        weigh(seat: number, weight: weight)
        living.setBits(1 << UInt64(number))
        return number
    }

    /// Changes a worker's share, in thousandths.
    package func weigh(seat number: Int, weight: UInt32) {
        seat(number).weight.value = UInt64(max(weight, 1))
    }

    /// Takes the seat, and the turn if it has it, back from a worker whose process is gone.
    package func vacateSeat(_ number: Int) {
        let bit = UInt64(1) << UInt64(number)
        waiting.clearBits(bit)
        living.clearBits(bit)
        let state = TurnState(rawValue: turn.value)
        if state.holder == number { passOn(state, from: number) }
        occupied.withLock { $0 &= ~bit }
    }

    // MARK: Both sides

    /// Gives the turn to the one of those who wait that should have it, or to nobody.
    ///
    /// - Parameters:
    ///   - state: The turn as its holder knows it.
    ///   - holder: Who has it now.
    func passOn(_ state: TurnState, from holder: Int) {
        var state = state
        // Bounded, whatever strangers write meanwhile.
        for _ in 0...Self.seatCount {
            let number = nextWaiting(except: holder)
            if number == nil, state.holder == nil { return }
            let given = state.next(holder: number)
            guard turn.exchange(state.rawValue, for: given.rawValue) else { return }
            state = given
            // Who began to wait before the turn was free may not have seen that it is: look again.
            guard let number else { continue }
            seat(number).alarm.ring()
            // The gateway notes a death before it looks at the turn: one of the two finds the other.
            if living.value & (1 << UInt64(number)) != 0 { return }
            waiting.clearBits(1 << UInt64(number))
        }
    }

    private func nextWaiting(except holder: Int) -> Int? {
        let decision = TurnPolicy.decide(
            holder: nil,
            waiting: others(than: holder),
            floor: floor.value
        ) { seat($0).used.value }
        return decision.seat
    }

    /// Who waits and lives, without `seat`.
    func others(than seat: Int) -> UInt64 {
        waiting.value & living.value & Self.seats & ~(1 << UInt64(seat))
    }

    /// The bits that stand for seats.
    private static let seats: UInt64 = (1 << UInt64(seatCount)) - 1
}

/// The turn at one moment.
struct TurnState: RawRepresentable, Equatable {
    let rawValue: UInt64

    /// Who has it; nil also for what is no seat.
    var holder: Int? {
        let number = Int(rawValue & 0xFFFF_FFFF) - 1
        return (0..<TurnTable.seatCount).contains(number) ? number : nil
    }

    /// The turn after a change, or after a step of the same holder.
    func next(holder: Int?) -> TurnState {
        let count = (rawValue >> 32 &+ 1) & 0xFFFF_FFFF
        return TurnState(rawValue: count << 32 | UInt64((holder ?? -1) + 1))
    }
}
