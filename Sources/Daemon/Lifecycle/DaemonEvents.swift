import Glibc
import Platform

/// What happens to a running daemon from outside, in order.
enum DaemonEvent: Sendable, Equatable {
    /// A signal arrived.
    case signal(Int32)
    /// Time has passed: report to the service manager.
    case tick
    /// Running requests have ended or were cut off, and the workers are gone.
    case drained
}

/// Waits for signals on a thread of its own and hands them over as events.
///
/// Make it before any other thread: it blocks the signals it waits for. A tick comes every
/// `interval`, and every second once the first signal that ends the daemon has arrived.
final class DaemonEvents: Sendable {
    let stream: AsyncStream<DaemonEvent>
    private let continuation: AsyncStream<DaemonEvent>.Continuation
    private let source: SignalSource

    init() throws(SystemError) {
        source = try SignalSource()
        (stream, continuation) = AsyncStream.makeStream(of: DaemonEvent.self)
    }

    /// Begins to wait.
    ///
    /// - Parameter interval: The time between two ticks, or nil for none while the daemon runs.
    /// - Throws: What prevents the thread from starting.
    func start(interval: Duration?) throws(SystemError) {
        let source = self.source
        let continuation = self.continuation
        _ = try DedicatedThread(name: "torii-signals") {
            var interval = interval
            while true {
                guard let signal = try? source.wait(timeout: interval) else {
                    if case .terminated = continuation.yield(.tick) { return }
                    continue
                }
                if signal == SIGTERM || signal == SIGINT { interval = .seconds(1) }
                if case .terminated = continuation.yield(.signal(signal)) { return }
            }
        }
    }

    /// Adds an event of the daemon's own.
    func post(_ event: DaemonEvent) {
        continuation.yield(event)
    }

    /// Ends the stream and the thread.
    func stop() {
        continuation.finish()
        source.cancel()
    }
}
