import Glibc
import Platform
import Synchronization

/// Ends a blocking call of an `HTTPClient` from another thread.
///
/// Safe from any thread. Serves one call.
package final class HTTPClientCancellation: Sendable {
    private enum State {
        case unused
        /// The call's socket, open as long as this is the state.
        case attached(Int32)
        case cancelled
    }

    private let state = Mutex(State.unused)

    /// One that is not cancelled.
    package init() {}

    /// Makes the call end with `HTTPClientError.cancelled`, now or as soon as it has connected.
    package func cancel() {
        state.withLock { state in
            if case .attached(let descriptor) = state {
                _ = shutdown(descriptor, Int32(SHUT_RDWR))
            }
            state = .cancelled
        }
    }

    /// Whether `cancel` has been called.
    package var isCancelled: Bool {
        state.withLock { state in
            if case .cancelled = state { true } else { false }
        }
    }

    /// Begins to guard the socket of a call.
    func attach(_ descriptor: Int32) {
        state.withLock { state in
            if case .unused = state { state = .attached(descriptor) }
        }
    }

    /// Lets go of the socket, which is about to be closed.
    func detach() {
        state.withLock { state in
            if case .attached = state { state = .unused }
        }
    }
}
