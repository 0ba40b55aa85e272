import HTTP
import ModelService
import Synchronization

/// Sends a sign of life when the parts of the daemon have shown theirs, and the status line when it
/// has changed.
///
/// A part that does not answer keeps the sign from being sent: the service manager then ends and
/// restarts the daemon.
final class Watchdog: Sendable {
    private struct State {
        var isAsking = false
        var lastStatus = ""
    }

    private let state = Mutex(State())
    private let notifier: SystemdNotifier

    init(notifier: SystemdNotifier) {
        self.notifier = notifier
    }

    /// Asks the I/O loop, the model service and the supervisors of workers for a sign, unless they
    /// have yet to answer the last time.
    func report(
        server: HTTPServer,
        service: ModelService,
        status: @escaping @Sendable () async -> String
    ) {
        let begins = state.withLock { state in
            defer { state.isAsking = true }
            return !state.isAsking
        }
        guard begins else { return }
        Task {
            await server.turn()
            let isWell = await service.turn()
            let text = await status()
            if isWell { notifier.watchdog() }
            let changed = state.withLock { state in
                state.isAsking = false
                defer { state.lastStatus = text }
                return state.lastStatus != text
            }
            if changed { notifier.status(text) }
        }
    }
}
