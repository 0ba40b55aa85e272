import CLinux
import Glibc

/// Wakes a thread that sleeps in `wait`, a `Poller` or poll(2): an eventfd(2).
///
/// Safe from any thread.
package final class WakeUp: Sendable {
    private let file: FileDescriptor

    /// Makes one that is not signalled.
    package init() throws(SystemError) {
        file = try FileDescriptor(returnedBy: "eventfd", torii_eventfd())
    }

    /// Becomes readable with `signal`.
    ///
    /// Borrowed.
    package var descriptor: Int32 { file.rawValue }

    /// Makes the descriptor readable until `reset`.
    package func signal() {
        var one: UInt64 = 1
        // Safety: eight readable bytes, which is what an eventfd takes. It fails only when the
        // counter is full, and then it is readable.
        _ = unsafe Glibc.write(file.rawValue, &one, 8)
    }

    /// Makes the descriptor unreadable.
    package func reset() {
        var count: UInt64 = 0
        // Safety: eight writable bytes.
        _ = unsafe Glibc.read(file.rawValue, &count, 8)
    }

    /// Blocks until `signal` was called (since the last `reset`) or `deadline` has passed.
    ///
    /// May return early, when a signal handler ran.
    package func wait(until deadline: MonotonicInstant?) {
        var entry = pollfd(fd: file.rawValue, events: Int16(POLLIN), revents: 0)
        // Safety: one valid entry for the length of the call.
        _ = unsafe poll(&entry, 1, pollTimeout(until: deadline))
    }
}
