import Glibc
import Platform
import Synchronization
import TestSupport
import Testing

@testable import ComputeTurns

/// The table in real shared memory, with threads in the place of processes.
@Suite(.timeLimit(.minutes(15)))
struct TurnTableTests {
    /// So long that nobody is ever taken for dead.
    private static let forever = Duration.seconds(100_000)

    /// The table as another process has it: another mapping of the same memory.
    private static func joined(_ table: TurnTable) throws -> TurnTable {
        try TurnTable(owning: dup(table.descriptor))
    }

    private static func turn(
        _ table: TurnTable,
        _ seat: Int,
        patience: Duration = forever
    ) throws -> ComputeTurn {
        ComputeTurn(table: try joined(table), seat: seat, patience: patience)
    }

    @Test func `one worker computes at a time, and all get on`() throws {
        let table = try TurnTable()
        let seats = try (0..<4).map { _ in try #require(table.assignSeat()) }
        #expect(Set(seats).count == 4)
        let inside = Mutex(0)
        let collisions = Mutex(0)
        let threads = try seats.map { seat in
            try DedicatedThread(name: "turn-\(seat)") {
                guard let turn = try? TurnTableTests.turn(table, seat) else { return }
                for step in 0..<2000 {
                    _ = turn.take(clock: MonotonicInstant.now)
                    let others = inside.withLock { inside in
                        defer { inside += 1 }
                        return inside
                    }
                    if others > 0 { collisions.withLock { $0 += 1 } }
                    inside.withLock { $0 -= 1 }
                    // Long enough on paper that the turn changes at every step or two.
                    turn.stepped(duration: .milliseconds(3 + step % 5))
                    if step % 7 == seat { turn.release() }
                }
                turn.release()
            }
        }
        for thread in threads { thread.join() }
        #expect(collisions.withLock { $0 } == 0)
        #expect(TurnState(rawValue: table.turn.value).holder == nil)
        #expect(table.waiting.value == 0)
    }

    @Test func `a turn is kept while nobody else wants it, and goes to who waits`() throws {
        let table = try TurnTable()
        let (first, second) = (try #require(table.assignSeat()), try #require(table.assignSeat()))
        let turn = try Self.turn(table, first)
        #expect(!turn.take(clock: MonotonicInstant.now))
        turn.stepped(duration: .seconds(1))
        #expect(TurnState(rawValue: table.turn.value).holder == first)
        #expect(!turn.take(clock: MonotonicInstant.now))

        let other = try DedicatedThread(name: "other") {
            guard let turn = try? TurnTableTests.turn(table, second) else { return }
            _ = turn.take(clock: MonotonicInstant.now)
            // It came when the first had a second on its account, so it begins with as much.
            turn.stepped(duration: .milliseconds(1))
            turn.release()
        }
        while table.waiting.value == 0 { sched_yield() }
        turn.stepped(duration: .milliseconds(10))
        #expect(turn.take(clock: MonotonicInstant.now) || table.waiting.value == 0)
        other.join()
        turn.release()
        let used = [first, second].map { table.seat($0).used.value }
        #expect(used == [1_010_000_000, 1_001_000_000])
    }

    @Test func `a holder that stands still loses its turn to who waits`() throws {
        let table = try TurnTable()
        let (first, second) = (try #require(table.assignSeat()), try #require(table.assignSeat()))
        let stopped = try Self.turn(table, first)
        let patient = try Self.turn(table, second, patience: .milliseconds(1))
        #expect(!stopped.take(clock: MonotonicInstant.now))
        #expect(patient.take(clock: MonotonicInstant.now))
        #expect(TurnState(rawValue: table.turn.value).holder == second)
        // It comes back to life, and neither gives away nor keeps what it has no more.
        stopped.stepped(duration: .milliseconds(1))
        stopped.release()
        #expect(TurnState(rawValue: table.turn.value).holder == second)
        patient.release()
        #expect(!stopped.take(clock: MonotonicInstant.now))
    }

    @Test func `a stopped worker that waits is given the turn once, not at every step`() throws {
        let table = try TurnTable()
        let (first, second) = (try #require(table.assignSeat()), try #require(table.assignSeat()))
        let turn = try Self.turn(table, first, patience: .milliseconds(1))
        #expect(!turn.take(clock: MonotonicInstant.now))
        table.waiting.setBits(1 << UInt64(second))
        turn.stepped(duration: .seconds(1))
        #expect(TurnState(rawValue: table.turn.value).holder == second)
        #expect(turn.take(clock: MonotonicInstant.now))
        #expect(table.waiting.value == 0)
        turn.stepped(duration: .seconds(1))
        #expect(!turn.take(clock: MonotonicInstant.now))
    }

    @Test func `the gateway takes the turn back from a dead holder and wakes who waits`() throws {
        let table = try TurnTable()
        let (first, second) = (try #require(table.assignSeat()), try #require(table.assignSeat()))
        #expect(!(try Self.turn(table, first).take(clock: MonotonicInstant.now)))
        let other = try DedicatedThread(name: "other") {
            guard let turn = try? TurnTableTests.turn(table, second) else { return }
            _ = turn.take(clock: MonotonicInstant.now)
        }
        while table.waiting.value == 0 { sched_yield() }
        table.vacateSeat(first)
        other.join()
        #expect(TurnState(rawValue: table.turn.value).holder == second)
        #expect(table.assignSeat() == first)
    }

    @Test func `no turn is lost to workers that die while they wait`() throws {
        let table = try TurnTable()
        let seats = try (0..<2).map { _ in try #require(table.assignSeat()) }
        let threads = try seats.map { seat in
            try DedicatedThread(name: "turn-\(seat)") {
                guard let turn = try? TurnTableTests.turn(table, seat) else { return }
                for _ in 0..<5000 {
                    _ = turn.take(clock: MonotonicInstant.now)
                    turn.stepped(duration: .milliseconds(6))
                }
                turn.release()
            }
        }
        for _ in 0..<5000 {
            let seat = try #require(table.assignSeat())
            table.waiting.setBits(1 << UInt64(seat))
            sched_yield()
            table.vacateSeat(seat)
        }
        for thread in threads { thread.join() }
        #expect(TurnState(rawValue: table.turn.value).holder == nil)
    }

    @Test func `seats run out, come back and begin at the floor`() throws {
        let table = try TurnTable()
        let seats = (0..<TurnTable.seatCount).compactMap { _ in table.assignSeat() }
        #expect(seats.count == TurnTable.seatCount)
        #expect(table.assignSeat() == nil)
        table.floor.value = 77
        table.vacateSeat(seats[5])
        #expect(table.assignSeat() == seats[5])
        #expect(table.seat(seats[5]).used.value == 77)
    }

    @Test func `what a stranger wrote does not trap`() throws {
        let table = try TurnTable()
        let seat = try #require(table.assignSeat())
        let turn = try Self.turn(table, seat, patience: .milliseconds(1))
        for offset in 0..<32 {
            table.turn.value = 0xDEAD_BEEF_FFFF_FF00 | UInt64(offset * 8)
            table.waiting.value = .max
            table.floor.value = .max
            _ = turn.take(clock: MonotonicInstant.now)
            turn.stepped(duration: .seconds(1))
            turn.release()
            table.vacateSeat(offset)
        }
    }

    @Test func `refuses memory that could shrink under it`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([UInt8](repeating: 0, count: 4096), to: "plain")
        #expect(throws: SystemError.self) {
            try TurnTable(owning: open(path, O_RDWR | O_CLOEXEC))
        }
        #expect(throws: SystemError.self) {
            try TurnTable(owning: open("/dev/null", O_RDWR | O_CLOEXEC))
        }
        #expect(ftruncate(try TurnTable().descriptor, 0) == -1)
    }
}
