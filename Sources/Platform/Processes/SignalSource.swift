import CLinux
import Glibc

/// Signals received as data instead of by interrupting a thread: a signalfd(2).
///
/// Make it before any other thread starts: it blocks its signals on the calling thread, and threads
/// inherit that. Safe from any thread.
package final class SignalSource: Sendable {
    /// The signals a daemon acts on.
    package static let daemonSignals: [Int32] = [SIGTERM, SIGINT, SIGHUP]

    private let file: FileDescriptor
    private let wakeUp: WakeUp

    /// Blocks `signals` on the calling thread and begins to collect them.
    package init(signals: [Int32] = SignalSource.daemonSignals) throws(SystemError) {
        var set = sigset_t()
        // Safety: `set` is a valid signal set throughout; the numbers are those of <signal.h>.
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        let code = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError(call: "pthread_sigmask", code: code) }
        file = try FileDescriptor(returnedBy: "signalfd", unsafe torii_signalfd(&set))
        wakeUp = try WakeUp()
    }

    /// Becomes readable when a signal is pending; for an event loop.
    package var descriptor: Int32 { file.rawValue }

    /// Blocks until a signal arrives and returns its number, or returns `nil` after `cancel()` or
    /// when `timeout` has passed.
    package func wait(timeout: Duration? = nil) throws(SystemError) -> Int32? {
        let deadline = timeout.map { MonotonicInstant.now().advanced(by: $0) }
        while true {
            var polls = [
                pollfd(fd: file.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            // Safety: the array holds the two entries announced.
            let count = unsafe poll(&polls, 2, pollTimeout(until: deadline))
            if count < 0 {
                if errno == EINTR { continue }
                throw .last("poll")
            }
            if polls[0].revents != 0 { return try read() }
            if count == 0 || polls[1].revents != 0 { return nil }
        }
    }

    /// Makes every `wait`, now and later, return `nil` once no signal is pending.
    package func cancel() {
        wakeUp.signal()
    }

    private func read() throws(SystemError) -> Int32 {
        // struct signalfd_siginfo has 128 bytes and begins with the 32-bit signal number.
        var record = [UInt32](repeating: 0, count: 32)
        while true {
            // Safety: the array owns 128 writable bytes.
            let count = unsafe Glibc.read(file.rawValue, &record, 128)
            if count == 128 { return Int32(bitPattern: record[0]) }
            guard errno == EINTR else { throw .last("read") }
        }
    }
}

/// The timeout argument of poll(2) and epoll_wait(2) for a deadline: rounded up to milliseconds, so
/// that the deadline has passed when the call returns; -1 (no end) without one.
package func pollTimeout(
    until deadline: MonotonicInstant?,
    now: MonotonicInstant = .now()
) -> Int32 {
    guard let deadline else { return -1 }
    guard deadline > now else { return 0 }
    let milliseconds = (deadline.nanoseconds - now.nanoseconds - 1) / 1_000_000 + 1
    return Int32(clamping: milliseconds)
}
