import Glibc
import Platform
import Synchronization

/// Makes Ctrl-C stop the running answer instead of the process.
///
/// Make it before other threads start. At the prompt, Ctrl-C prints how to leave.
final class InterruptWatch: Sendable {
    private enum Phase {
        case prompting
        case answering(stop: @Sendable () -> Void)
    }

    private let phase: Mutex<Phase>

    /// Begins to watch; `atPrompt` runs when Ctrl-C is pressed while nothing is answered.
    init(atPrompt: @escaping @Sendable () -> Void) throws(SystemError) {
        phase = Mutex(.prompting)
        let source = try SignalSource(signals: [SIGINT])
        _ = try DedicatedThread(name: "torii-interrupt") { [self] in
            while let signal = try? source.wait() {
                guard signal == SIGINT else { continue }
                let stop = phase.withLock { phase -> (@Sendable () -> Void)? in
                    guard case .answering(let stop) = phase else { return nil }
                    return stop
                }
                if let stop { stop() } else { atPrompt() }
            }
        }
    }

    /// Runs `body` with Ctrl-C calling `stop`.
    func answering<Result>(
        stop: @escaping @Sendable () -> Void,
        _ body: () throws -> Result
    ) rethrows -> Result {
        phase.withLock { $0 = .answering(stop: stop) }
        defer { phase.withLock { $0 = .prompting } }
        return try body()
    }
}
