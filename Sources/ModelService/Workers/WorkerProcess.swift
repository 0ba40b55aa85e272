import Glibc
import Platform
import Synchronization
import Telemetry
import WorkerProtocol

/// One worker process and the conversation with it, from its start to its end.
///
/// A thread of its own starts the process (so that the thread outlives it, prctl(PR_SET_PDEATHSIG)
/// counts the thread as parent), reads what it says, and ends it when it falls silent. Requests may
/// be submitted from any thread; they are written at once if the socket takes them, else by that
/// thread. When the worker dies, everything that waits for it fails at once.
final class WorkerProcess: Sendable {
    /// What is needed to start a worker.
    struct Launch: Sendable {
        let executable: String
        let arguments: [String]
        let environment: [String: String]
        let options: WorkerLoadOptions
        /// Where its memory is counted, and as whose.
        let ledger: SharedMemoryLedger
        let holder: MemoryLedger.Worker
        /// Where what becomes of it is counted; nil if it is not to be.
        let counters: ModelCounters?
        let gauge: MemoryGauge
        let limits: ModelServiceLimits
    }

    /// What the worker owes, and what it is owed.
    struct State {
        var isOpen = true
        var lastID: UInt64 = 0
        var generations: [UInt64: GenerationRecipient] = [:]
        var questions: [UInt64: WorkerQuestion] = [:]
        var outbound: OutboundQueue
        var isStopping: Bool { ending.unloadReason != nil }
        var ending = WorkerEnding(started: .now())
        var mayLoad = false
        var status = WorkerStatus()
        var pid: Int32?
    }

    let state: Mutex<State>
    let socket: WorkerSocket
    private let childEnd: Mutex<Int32?>
    private let launch: Launch
    private let log: Log
    private let report: @Sendable (WorkerReport) -> Void

    /// Prepares a worker; `start` starts it.
    ///
    /// `report` is called on the worker's thread.
    init(
        launch: Launch,
        log: Log,
        report: @escaping @Sendable (WorkerReport) -> Void
    ) throws(SystemError) {
        let ends = try SocketPair.make().release()
        let theirs = FileDescriptor(owning: ends.second)
        socket = try WorkerSocket(FileDescriptor(owning: ends.first))
        childEnd = Mutex(theirs.release())
        state = Mutex(
            State(outbound: OutboundQueue(maximumByteCount: launch.limits.maximumUnsentByteCount))
        )
        self.launch = launch
        self.log = log
        self.report = report
    }

    /// Starts the thread that starts and supervises the process.
    func start() throws(SystemError) {
        _ = try DedicatedThread(name: "worker-reader") { self.supervise() }
    }

    /// Whether requests can still be submitted.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Asks the worker to end; it is killed when that takes longer than the limit.
    func stop(_ unloadReason: UnloadReason) {
        let isFirst = state.withLock { state in
            defer { state.ending.noteStop(unloadReason) }
            return !state.isStopping
        }
        guard isFirst else { return }
        _ = send(.stop)
        socket.wake()
    }

    /// Lets the worker allocate what its footprint says, which the ledger holds for it.
    func load() {
        state.withLock { $0.mayLoad = true }
        _ = send(.memoryReserved)
        socket.wake()
    }

    /// Asks for what the worker's cache holds only for the sake of later requests.
    func reclaimMemory() { _ = send(.memoryNeeded) }

    // MARK: The worker's thread

    private func supervise() {
        let reason = run()
        launch.ledger.withLock { $0.forget(launch.holder) }
        let ending = state.withLock { $0.ending }
        launch.counters?.note(launch.holder) { $0.noteEnd(ending, ofWorker: $1) }
        report(.ended(reason: reason))
    }

    /// Starts the process, serves it to its end, and returns why it ended.
    private func run() -> String {
        let child: ChildProcess
        do {
            child = try spawn()
        } catch {
            state.withLock { $0.ending.noteLoadFailed() }
            failEverything()
            return "cannot start a worker: \(error)"
        }
        state.withLock { $0.pid = child.pid }
        log.info("worker started", ("pid", child.pid))
        let complaint = converse()
        failEverything()
        child.signal(SIGKILL)
        let status = child.waitForExit()
        let reason = complaint.map { "the worker \($0)" } ?? "the worker process \(status)"
        log.info("worker ended", ("pid", child.pid), ("reason", reason))
        return reason
    }

    private func spawn() throws(SystemError) -> ChildProcess {
        let descriptor = childEnd.withLock { end in
            defer { end = nil }
            return end
        }
        guard let descriptor else { preconditionFailure("a worker is started once") }
        defer { _ = close(descriptor) }
        return try ChildProcess.spawn(
            executable: launch.executable,
            // The executable may be /proc/self/exe, which says nothing in a list of processes.
            programName: "torii",
            arguments: launch.arguments,
            environment: launch.environment,
            inheriting: [(descriptor: descriptor, as: 3)]
        )
    }

    /// Reads until the worker hangs up (nil) or must be ended for the reason returned.
    private func converse() -> String? {
        var monitor = WorkerMonitor(limits: launch.limits, now: .now())
        var reader = FrameReader<WorkerMessage>()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var isStopping = false
        var mayLoad = false
        while true {
            let (hasOutput, wantsLoad, wantsStop) = state.withLock { state in
                (!state.outbound.isEmpty, state.mayLoad, state.isStopping)
            }
            if wantsLoad, !mayLoad {
                mayLoad = true
                monitor.memoryReserved(now: .now())
            }
            if wantsStop, !isStopping {
                isStopping = true
                monitor.askedToStop(now: .now())
            }
            socket.wait(forOutput: hasOutput, until: monitor.deadline)
            if hasOutput { flush() }
            switch socket.receive(into: &buffer) {
            case .ended:
                return nil
            case .nothing:
                if MonotonicInstant.now() >= monitor.deadline { return monitor.complaint }
            case .bytes(let bytes):
                monitor.heard(now: .now())
                reader.append(bytes)
                do {
                    while let message = try reader.next() {
                        if let complaint = received(message, &monitor) { return complaint }
                    }
                } catch {
                    return "sent what is no message: \(error)"
                }
            }
        }
    }

    /// Acts on one message; returns why the worker must be ended, if it must.
    private func received(_ message: WorkerMessage, _ monitor: inout WorkerMonitor) -> String? {
        switch message {
        case .hello(let version):
            guard version == WorkerProtocolVersion.current else {
                return "speaks version \(version) of the protocol, "
                    + "not \(WorkerProtocolVersion.current): restart the daemon"
            }
            monitor.greeted(now: .now())
            _ = send(.load(launch.options))
        case .footprint(let footprint):
            monitor.sized(now: .now())
            let overhead = state.withLock { $0.pid }.flatMap { launch.gauge.resident($0) } ?? 0
            report(.sized(footprint, overheadByteCount: overhead))
        case .loading(let fraction):
            monitor.progressed(now: .now())
            report(.loading(fraction: fraction))
        case .ready(let facts):
            monitor.becameResident(now: .now())
            noteReady()
            report(.ready(facts))
        case .loadFailed(let message):
            state.withLock { $0.ending.noteLoadFailed() }
            report(.loadFailed(message: message))
        case .event(let id, let event):
            deliver(event, id: id)
        case .tokens(let id, let tokens):
            answer(id: id, .success(.tokens(tokens)))
        case .text(let id, let text):
            answer(id: id, .success(.text(text)))
        case .requestFailed(let id, let failure):
            answer(id: id, .failure(failure))
        case .heartbeat(let status):
            state.withLock { $0.status = status }
            launch.counters?.note(launch.holder) { $0.noteStatus(status, ofWorker: $1) }
        case .memoryWanted(let byteCount):
            let limit = launch.gauge.available() - launch.gauge.reserveByteCount
            let granted = launch.ledger.withLock {
                $0.ask(byteCount: byteCount, for: launch.holder, limit: limit)
            }
            _ = send(.memoryGranted(byteCount: granted))
        case .memoryReturned(let byteCount):
            launch.ledger.withLock { $0.giveBack(byteCount: byteCount, by: launch.holder) }
            report(.memoryReturned)
        }
        return nil
    }

    private func noteReady() {
        let duration: Duration? = state.withLock { state in
            guard state.ending.loadDuration == nil else { return nil }
            state.ending.noteReady(now: .now())
            return state.ending.loadDuration
        }
        guard let duration else { return }
        launch.counters?.note(launch.holder) { totals, _ in totals.noteLoad(duration) }
    }
}
