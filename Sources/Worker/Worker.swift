import Glibc
package import Telemetry
import Platform

/// The process of one model: `torii worker`.
///
/// The gateway starts it with one end of a socket pair, tells it what to load, and talks to it in
/// the messages of `WorkerProtocol`. It ends when the gateway says so or is gone.
///
/// | thread | does |
/// | --- | --- |
/// | main | reads messages, renders templates, encodes prompts, answers questions |
/// | engine | loads the model, then runs the engine loop |
/// | writer | writes what the others send, and a heartbeat every second |
/// | kernel threads | slices of the forward pass |
package enum Worker {
    /// Runs the worker's whole life.
    ///
    /// - Parameters:
    ///   - descriptor: The connected socket; this function owns it.
    ///   - log: Where to report; standard error is the daemon's log.
    /// - Returns: The process's exit code: 0 after the gateway ended the connection, else 1.
    package static func run(descriptor: Int32, log: Log = Log()) -> Int32 {
        surviveTerminalSignals()
        // The gateway's death must not leave an orphan behind that holds gigabytes. The end of
        // the socket says the same, but only to a thread that reads.
        guard ParentDeath.arm(expectedParent: getppid()) else { return 0 }
        let socket = FileDescriptor(owning: descriptor)
        do {
            let process = try WorkerThreads(descriptor: socket.rawValue, log: log)
            return process.run()
        } catch {
            log.error("the worker cannot start", ("error", "\(error)"))
            return 1
        }
    }

    /// Ctrl-C and SIGTERM reach the whole process group; the gateway drains its requests first
    /// and then ends its workers by closing their sockets.
    private static func surviveTerminalSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] {
            _ = signal(number, SIG_IGN)
        }
    }
}
