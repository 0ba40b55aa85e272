import Platform
import Synchronization

/// What other threads tell the I/O loop.
///
/// Safe from any thread. The loop is woken only when the box was empty.
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
    private let wakeUp: WakeUp

    init() throws(SystemError) {
        wakeUp = try WakeUp()
    }

    /// Readable when there are messages.
    ///
    /// Borrowed.
    var descriptor: Int32 { wakeUp.descriptor }

    /// Leaves a message; returns `false` when the loop has ended and nobody will read it.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let (isOpen, wasEmpty) = state.withLock { state in
            if state.isClosed { return (false, false) }
            state.messages.append(message)
            return (true, state.messages.count == 1)
        }
        if wasEmpty { wakeUp.signal() }
        return isOpen
    }

    /// Takes all messages; called by the loop.
    func take() -> [Message] {
        state.withLock { state in
            if state.messages.isEmpty { return [] }
            wakeUp.reset()
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
