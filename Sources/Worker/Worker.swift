import Glibc
import ComputeTurns
package import Platform
package import Telemetry
import WorkerProtocol

/// The process of one model: `torii worker`.
///
/// The gateway starts it with one end of a socket pair, tells it what to load, and talks to it in
/// the messages of `WorkerProtocol`. It ends when the gateway says so or is gone. Before it reads the
/// model it locks itself in (`Sandbox`): the file comes as an open descriptor, and whatever else it
/// has to know of the system it looks up before.
///
/// | thread | does |
/// | --- | --- |
/// | main | reads messages, renders templates, encodes prompts, answers questions |
/// | engine | loads the model, then runs the engine loop |
/// | writer | writes what the others send, and a heartbeat every second |
/// | kernel threads | slices of the forward pass |
package enum Worker {
    /// Runs the worker's whole life, with what `WorkerDescriptors` lists.
    ///
    /// - Parameters:
    ///   - policy: Whether and how strictly the process locks itself in.
    ///   - log: Where to report; standard error is the daemon's log.
    /// - Returns: The process's exit code: 0 after the gateway ended the connection, else 1.
    package static func run(
        sandbox policy: Sandbox.Policy,
        log: Log = Log()
    ) -> Int32 {
        surviveTerminalSignals()
        // The gateway's death must not leave an orphan behind that holds gigabytes. The end of
        // the socket says the same, but only to a thread that reads.
        guard ParentDeath.arm(expectedParent: getppid()) else { return 0 }
        let socket = FileDescriptor(owning: WorkerDescriptors.socket)
        do {
            let surroundings = try lockIn(policy, log: log)
            let process = try WorkerThreads(
                descriptor: socket.rawValue,
                surroundings: surroundings,
                log: log
            )
            return process.run()
        } catch {
            log.error("the worker cannot start", ("error", "\(error)"))
            refuse(socket, "\(error)")
            return 1
        }
    }

    /// Everything that needs the file system, then the lock.
    private static func lockIn(
        _ policy: Sandbox.Policy,
        log: Log
    ) throws(Sandbox.Incomplete) -> WorkerSurroundings {
        LocalTime.prepare()
        Sandbox.forbidCoreFiles()
        OutOfMemoryScore.raise(to: outOfMemoryScore)
        var surroundings = WorkerSurroundings.now()
        surroundings.turns = try? TurnTable(owning: WorkerDescriptors.turns)
        surroundings.sandbox = try Sandbox.lock(policy)
        for problem in surroundings.sandbox.problems {
            log.warning("a part of the worker's sandbox is missing", ("problem", problem))
        }
        return surroundings
    }

    /// When memory runs out, a worker goes first, since it can be started again.
    ///
    /// Half of what proc(5) allows.
    private static let outOfMemoryScore = 500

    /// Tells the gateway why there will be no model.
    private static func refuse(_ socket: borrowing FileDescriptor, _ reason: String) {
        var writer = FrameWriter()
        // Two short messages.
        try? writer.append(WorkerMessage.hello(protocolVersion: WorkerProtocolVersion.current))
        try? writer.append(WorkerMessage.loadFailed(message: reason))
        try? StreamSocket.sendBlocking(socket.rawValue, writer.take().span)
    }

    /// Ctrl-C and SIGTERM reach the whole process group; the gateway drains its requests first
    /// and then ends its workers by closing their sockets.
    private static func surviveTerminalSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] {
            _ = signal(number, SIG_IGN)
        }
    }
}
