import Glibc
import Platform
import Synchronization

/// What happens to a running daemon from outside, in order.
enum DaemonEvent: Sendable, Equatable {
    /// A signal arrived.
    case signal(Int32)
    /// Time has passed: report to the service manager.
    case tick
    /// Running requests have ended or were cut off, and the workers are gone.
    case drained
}

/// Waits for signals on the main thread and hands them over as events.
///
/// Make it before any other thread: it blocks the signals it waits for, and every later thread
/// inherits that. A tick comes every interval, and every second once the first signal that ends the
/// daemon has arrived.
final class DaemonEvents: Sendable {
    let stream: AsyncStream<DaemonEvent>
    private let continuation: AsyncStream<DaemonEvent>.Continuation
    private let source: SignalSource
    private let isStopped = Atomic(false)

    init() throws(SystemError) {
        source = try SignalSource()
        (stream, continuation) = AsyncStream.makeStream(of: DaemonEvent.self)
    }

    /// Delivers events until `stop`; blocks the calling thread.
    ///
    /// - Parameter interval: The time between two ticks, or nil for none while the daemon runs.
    /// - Throws: What prevents waiting.
    func deliver(interval: Duration?) throws(SystemError) {
        var interval = interval
        while !isStopped.load(ordering: .acquiring) {
            guard let signal = try source.wait(timeout: interval) else {
                continuation.yield(.tick)
                continue
            }
            if signal == SIGTERM || signal == SIGINT { interval = .seconds(1) }
            continuation.yield(.signal(signal))
        }
    }

    /// Adds an event of the daemon's own.
    func post(_ event: DaemonEvent) {
        continuation.yield(event)
    }

    /// Ends the stream and the delivery.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        continuation.finish()
        source.cancel()
    }
}
