import Platform
import Synchronization

/// The bytes on their way to one client.
///
/// Handlers append from any thread and try the socket themselves, so that a token usually leaves
/// without waking the I/O loop; what the socket does not take, the loop sends on. Safe from any
/// thread: a lock is held for the length of one non-blocking send.
final class OutboundBuffer: Sendable {
    /// What became of appended bytes.
    enum Outcome: Sendable, Hashable {
        /// The socket took everything.
        case sent
        /// Some wait for the socket. The loop must be told to watch it when `mustArm`; the writer
        /// must wait when `isFull`.
        case waiting(mustArm: Bool, isFull: Bool)
        /// The connection is closed or broken; the bytes are dropped.
        case gone
    }

    private struct State {
        /// `nil` once the connection is closed.
        var descriptor: Int32?
        var isPeerClosed = false
        var isBroken = false
        /// The loop watches the socket, or has been told to.
        var isArmed = false
        var bytes: [UInt8] = []
        /// How many of `bytes` are sent already.
        var sentCount = 0
        var writers: [CheckedContinuation<Void, Never>] = []

        var waitingCount: Int { bytes.count - sentCount }
    }

    private let highWater: Int
    private let lowWater: Int
    private let state: Mutex<State>

    init(descriptor: Int32, limits: HTTPLimits) {
        highWater = limits.outboundHighWaterByteCount
        lowWater = limits.outboundLowWaterByteCount
        state = Mutex(State(descriptor: descriptor))
    }

    /// Lets `fill` append bytes, and sends what the socket takes.
    ///
    /// A client that has sent FIN still gets complete answers (`isStream` false), but no streams.
    func send(isStream: Bool, _ fill: (inout [UInt8]) -> Void) -> Outcome {
        state.withLock { state in
            guard state.descriptor != nil, !state.isBroken, !(isStream && state.isPeerClosed) else {
                return .gone
            }
            fill(&state.bytes)
            if !state.isArmed { flush(&state) }
            if state.isBroken { return .gone }
            let waiting = state.waitingCount
            if waiting == 0 { return .sent }
            let mustArm = !state.isArmed
            state.isArmed = true
            return .waiting(mustArm: mustArm, isFull: waiting > highWater)
        }
    }

    /// Suspends until no more than the low-water mark waits; returns whether the client is there.
    func waitForRoom() async -> Bool {
        await withCheckedContinuation { continuation in
            let canGoOn = state.withLock { state in
                if isGone(state) || state.waitingCount <= lowWater { return true }
                state.writers.append(continuation)
                return false
            }
            if canGoOn { continuation.resume() }
        }
        return state.withLock { !isGone($0) }
    }

    /// Whether nothing waits to be sent.
    var isFlushed: Bool { state.withLock { $0.waitingCount == 0 } }

    /// Sends on what waits; called by the loop when the socket is writable.
    ///
    /// Returns whether everything is sent; then the socket need not be watched any more.
    func sendWaiting() -> Bool {
        let (isFlushed, writers) = state.withLock { state in
            flush(&state)
            if state.waitingCount == 0 { state.isArmed = false }
            let writers = state.waitingCount <= lowWater ? takeWriters(&state) : []
            return (state.waitingCount == 0, writers)
        }
        for writer in writers { writer.resume() }
        return isFlushed
    }

    /// The client sends no more, so streams are over; suspended writers go on and learn it.
    func peerClosed() {
        let writers = state.withLock { state in
            state.isPeerClosed = true
            return takeWriters(&state)
        }
        for writer in writers { writer.resume() }
    }

    /// Lets go of the socket: after this call no thread uses its number.
    func close() {
        let writers = state.withLock { state in
            state.descriptor = nil
            state.bytes = []
            state.sentCount = 0
            return takeWriters(&state)
        }
        for writer in writers { writer.resume() }
    }

    private func isGone(_ state: borrowing State) -> Bool {
        state.descriptor == nil || state.isPeerClosed || state.isBroken
    }

    private func takeWriters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        defer { state.writers = [] }
        return state.writers
    }

    private func sendOnce(
        _ state: borrowing State,
        through descriptor: Int32
    ) -> StreamSocket.Transfer {
        let waiting = state.bytes.span.extracting(state.sentCount..<state.bytes.count)
        return StreamSocket.send(descriptor, waiting)
    }

    /// Sends until all is gone or the socket is full; under the lock.
    private func flush(_ state: inout State) {
        guard let descriptor = state.descriptor else { return }
        while state.waitingCount > 0 {
            switch sendOnce(state, through: descriptor) {
            case .transferred(let count):
                state.sentCount += count
            case .wouldBlock:
                if state.sentCount > highWater {
                    state.bytes.removeFirst(state.sentCount)
                    state.sentCount = 0
                }
                return
            case .failed:
                // The loop learns the same from epoll and closes.
                state.isBroken = true
                state.bytes = []
                state.sentCount = 0
                return
            }
        }
        state.bytes.removeAll(keepingCapacity: state.bytes.capacity <= 4096)
        state.sentCount = 0
    }
}
