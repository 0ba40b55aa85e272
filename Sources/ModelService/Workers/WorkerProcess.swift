import ComputeTurns
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
        /// The model's files in order; they are opened here, a worker can open none.
        let modelPaths: [String]
        /// The model's adapters; those whose files can be opened are passed with it.
        let adapters: [AdapterEntry]
        /// Where packed weights are kept; nil: nowhere.
        let weightCache: WeightCache?
        /// Bytes of the model's files.
        let modelByteCount: Int
        /// Who computes when; nil: the worker computes at any time.
        let turns: TurnTable?
        /// Its share of the compute time beside others', in thousandths.
        let computeWeight: UInt32
        /// Where the worker gets a control group of its own; nil: it stays in the gateway's.
        let groups: DelegatedGroup?
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
        /// Why it is not: what the process did, as "hung up".
        var closeReason: String?
        var lastID: UInt64 = 0
        var generations: [UInt64: GenerationRecipient] = [:]
        var questions: [UInt64: WorkerQuestion] = [:]
        var outbound: OutboundQueue
        var isStopping: Bool { ending.unloadReason != nil }
        var ending = WorkerEnding(started: .now())
        var mayLoad = false
        /// The worker's thread watches it.
        var isWatched = false
        var status = WorkerStatus()
        var monitor: WorkerMonitor
        var pid: Int32?
        /// The control group of the process alone, if there is one.
        var group: ChildGroup?
        /// What was limited to, and the adapters that came later.
        var footprint = MemoryFootprint()
        var overheadByteCount = 0
        /// Packed weights, as it got them and as it writes them.
        var weights: WeightCacheFiles?
        /// Its seat among those who take turns computing.
        var turnSeat: Int?
    }

    let state: Mutex<State>
    let socket: WorkerSocket
    let childEnd: Mutex<Int32?>
    let launch: Launch
    let log: Log
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
            State(
                outbound: OutboundQueue(maximumByteCount: launch.limits.maximumUnsentByteCount),
                monitor: WorkerMonitor(limits: launch.limits, now: .now())
            )
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

    /// Why no more requests can be submitted: what the process did; nil as long as they can.
    var closeReason: String? { state.withLock { $0.closeReason } }

    /// What is wrong with the worker, although it has not been given up yet; nil if nothing is.
    func trouble(now: MonotonicInstant) -> String? {
        state.withLock { state in
            state.isOpen && state.pid != nil ? state.monitor.trouble(now: now) : nil
        }
    }

    /// Whether the worker should have been ended by its thread long ago, which then hangs.
    func isSupervisorStuck(now: MonotonicInstant) -> Bool {
        state.withLock { $0.isWatched && $0.monitor.isUnwatched(now: now) }
    }

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

    /// Changes the worker's share of the compute time, in thousandths.
    func weigh(_ computeWeight: UInt32) {
        // The seat is the worker's as long as the lock is held: see `supervise`.
        state.withLock { state in
            guard let seat = state.turnSeat else { return }
            launch.turns?.weigh(seat: seat, weight: computeWeight)
        }
    }

    /// Asks for what the worker's cache holds only for the sake of later requests.
    func reclaimMemory() { _ = send(.memoryNeeded) }

    // MARK: The worker's thread

    private func supervise() {
        let turnSeat = launch.turns?.assignSeat(weight: launch.computeWeight)
        state.withLock { $0.turnSeat = turnSeat }
        let (reason, lines) = run()
        state.withLock { $0.turnSeat = nil }
        if let turnSeat { launch.turns?.vacateSeat(turnSeat) }
        // Counted before anybody can make use of its memory.
        let ending = state.withLock { $0.ending }
        launch.counters?.note(launch.holder) { $0.noteEnd(ending, ofWorker: $1) }
        launch.ledger.withLock { $0.forget(launch.holder) }
        let failure = WorkerFailure(reason: ending.complaint ?? reason, log: lines)
        report(.ended(reason: reason, failure: ending.isFailure ? failure : nil))
    }

    /// Starts the process, serves it to its end, and returns why it ended and what it logged last.
    private func run() -> (reason: String, log: [String]) {
        let files: [OpenedFile]
        do {
            files = try launch.modelPaths.map { path throws(SystemError) in
                try OpenedFile(path: path)
            }
        } catch {
            let message = "the model cannot be read: \(error)"
            state.withLock { $0.ending.noteLoadFailed(message) }
            failEverything(reason: "could not be started")
            report(.loadFailed(message: message))
            return (message, [])
        }
        let weights = launch.weightCache?.open(
            launch.options.modelPath,
            launch.options.weightType,
            byteCount: launch.modelByteCount
        )
        state.withLock { $0.weights = weights }
        defer { state.withLock { $0.weights = nil } }
        let child: ChildProcess
        let output: WorkerOutput
        do {
            (child, output) = try spawn(passing: files, weights)
        } catch {
            let message = "cannot start a worker: \(error)"
            state.withLock { $0.ending.noteLoadFailed(message) }
            failEverything(reason: "could not be started")
            return (message, [])
        }
        state.withLock { $0.pid = child.pid }
        log.info("worker started", ("pid", child.pid))
        // Before it is told to load, so that all memory of the model counts there.
        let group = place(child)
        state.withLock { $0.group = group }
        defer { group?.remove() }
        let complaint = converse(output)
        if let complaint {
            failEverything(reason: complaint)
        } else if !child.waitForEnd(timeout: Self.endPatience) {
            failEverything(reason: "hung up")
        }
        child.signal(SIGKILL)
        let status = child.waitForExit()
        output.passOn()
        if status == .signaled(SIGBUS), weights?.stored != nil {
            // A page of a mapped file that cannot be read ends a process so: nobody shall map it again.
            launch.weightCache?.discard(launch.options.modelPath, launch.options.weightType)
        }
        let hasRunOutOfMemory = group?.hasRunOutOfMemory == true
        if hasRunOutOfMemory { state.withLock { $0.ending.noteOutOfMemory() } }
        let end = hasRunOutOfMemory ? "ran out of memory and \(status)" : "\(status)"
        failEverything(reason: end)
        let reason = complaint.map { "the worker \($0)" } ?? "the worker process \(end)"
        log.info("worker ended", ("pid", child.pid), ("reason", reason))
        return (reason, output.tail.lines)
    }

    /// How long a process that has hung up may take to end by itself.
    ///
    /// Its requests wait for the reason so long.
    private static let endPatience = Duration.milliseconds(50)

    /// Reads until the worker hangs up (nil) or must be ended for the reason returned.
    private func converse(_ output: WorkerOutput) -> String? {
        state.withLock { state in
            state.monitor = WorkerMonitor(limits: launch.limits, now: .now())
            state.isWatched = true
        }
        defer { state.withLock { $0.isWatched = false } }
        var reader = FrameReader<WorkerMessage>()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var isStopping = false
        var mayLoad = false
        while true {
            let (hasOutput, deadline) = state.withLock { state in
                if state.mayLoad, !mayLoad {
                    mayLoad = true
                    state.monitor.memoryReserved(now: .now())
                }
                if state.isStopping, !isStopping {
                    isStopping = true
                    state.monitor.askedToStop(now: .now())
                }
                return (!state.outbound.isEmpty, state.monitor.deadline)
            }
            socket.wait(forOutput: hasOutput, orFor: output.descriptor, until: deadline)
            output.passOn()
            if hasOutput { flush() }
            switch socket.receive(into: &buffer) {
            case .ended:
                return nil
            case .nothing:
                let now = MonotonicInstant.now()
                let complaint = state.withLock { state in
                    now >= state.monitor.deadline ? state.monitor.complaint(now: now) : nil
                }
                if let complaint { return complaint }
            case .bytes(let bytes):
                state.withLock { $0.monitor.heard(now: .now()) }
                reader.append(bytes)
                do {
                    while let message = try reader.next() {
                        if let complaint = received(message) { return complaint }
                    }
                } catch {
                    return "sent what is no message: \(error)"
                }
            }
        }
    }

    /// Acts on one message; returns why the worker must be ended, if it must.
    private func received(_ message: WorkerMessage) -> String? {
        switch message {
        case .hello(let version):
            guard version == WorkerProtocolVersion.current else {
                return "speaks version \(version) of the protocol, "
                    + "not \(WorkerProtocolVersion.current): restart the daemon"
            }
            state.withLock { $0.monitor.greeted(now: .now()) }
            sendLoad()
        case .footprint(let footprint):
            state.withLock { $0.monitor.sized(now: .now()) }
            let overhead = state.withLock { $0.pid }.flatMap { launch.gauge.resident($0) } ?? 0
            state.withLock { state in
                state.footprint = footprint
                state.overheadByteCount = overhead
            }
            limitMemory(footprint, overheadByteCount: overhead)
            report(.sized(footprint, overheadByteCount: overhead))
        case .loading(let fraction):
            state.withLock { $0.monitor.progressed(now: .now()) }
            report(.loading(fraction: fraction))
        case .ready(let facts):
            state.withLock { $0.monitor.becameResident(now: .now()) }
            noteReady()
            report(.ready(facts))
        case .weightsCached:
            if let weights = state.withLock({ $0.weights }) {
                launch.weightCache?.publish(weights)
            }
        case .loadFailed(let message):
            state.withLock { $0.ending.noteLoadFailed(message) }
            report(.loadFailed(message: message))
        case .event(let id, let event):
            deliver(event, id: id)
        case .tokens(let id, let tokens):
            answer(id: id, .success(.tokens(tokens)))
        case .pieces(let id, let pieces):
            answer(id: id, .success(.pieces(pieces)))
        case .text(let id, let text):
            answer(id: id, .success(.text(text)))
        case .tokenCount(let id, let count):
            answer(id: id, .success(.count(count)))
        case .requestFailed(let id, let failure):
            answer(id: id, .failure(failure))
        case .adapterSized(let id, let byteCount): reserveAdapter(id: id, byteCount: byteCount)
        case .adapterAttached(let id, let facts): answer(id: id, .success(.adapter(facts)))
        case .heartbeat(let status):
            state.withLock { state in
                state.status = status
                state.monitor.heartbeat(status, now: .now())
            }
            launch.counters?.note(launch.holder) { $0.noteStatus(status, ofWorker: $1) }
        case .memoryWanted(let byteCount):
            let limit = launch.ledger.available(launch.gauge)
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
