import Platform
import Synchronization

/// What other threads tell the I/O loop.
///
/// Safe from any thread. The loop is woken, which costs two system calls, only when it sleeps or is
/// about to.
final class LoopMailbox: Sendable {
    enum Message: Sendable {
        /// The answer on this connection is complete.
        case finished(token: UInt64, keepsAlive: Bool)
        /// The answer on this connection was given up.
        case aborted(token: UInt64)
        /// Bytes wait for the socket of this connection.
        case stalled(token: UInt64)
        /// Drain until the deadline, then resume.
        case drain(MonotonicInstant, CheckedContinuation<Void, Never>)
        /// Resume, as proof that the loop runs.
        case turn(CheckedContinuation<Void, Never>)
        case stop
    }

    private struct State {
        var messages: [Message] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// The loop sleeps, or is about to: whoever posts next wakes it.
    ///
    /// Set only when there is no message, under the lock.
    private let isAsleep = Atomic(false)
    private let wakeUp: WakeUp

    init() throws(SystemError) {
        wakeUp = try WakeUp()
    }

    /// Readable when the loop has been woken.
    ///
    /// Borrowed.
    var descriptor: Int32 { wakeUp.descriptor }

    /// Leaves a message; returns `false` when the loop has ended and nobody will read it.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let isOpen = state.withLock { state in
            if !state.isClosed { state.messages.append(message) }
            return !state.isClosed
        }
        // A loop that is awake looks again before it sleeps.
        if isOpen, isAsleep.exchange(false, ordering: .relaxed) { wakeUp.signal() }
        return isOpen
    }

    /// Whether the loop may sleep: there is no message, and the next one will wake it.
    func mayLoopSleep() -> Bool {
        state.withLock { state in
            isAsleep.store(state.messages.isEmpty, ordering: .relaxed)
            return state.messages.isEmpty
        }
    }

    /// The loop is awake, and will look for messages.
    func loopIsAwake() { isAsleep.store(false, ordering: .relaxed) }

    /// Makes `descriptor` unreadable again; called by the loop when it has found it readable.
    func acknowledge() { wakeUp.reset() }

    /// Takes all messages; called by the loop when it is awake.
    func take() -> [Message] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }

    /// Accepts no further message and returns the last ones; called by the loop at its end.
    func close() -> [Message] {
        state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
    }
}
