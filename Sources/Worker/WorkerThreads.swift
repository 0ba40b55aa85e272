import ComputeTurns
import Inference
import Kernels
import Platform
import Synchronization
import Telemetry
import WorkerProtocol

/// One worker's threads and what they share.
final class WorkerThreads: Sendable {
    private let descriptor: Int32
    private let surroundings: WorkerSurroundings
    private let log: Log
    private let outbox: Outbox
    /// Present once the model is loaded.
    private let service = Mutex<PromptService?>(nil)
    /// Present once the engine thread has been started.
    private let mailbox = Mutex<EngineMailbox?>(nil)
    /// Signalled once the model's memory may be allocated.
    private let memoryReserved: WakeUp

    private static let heartbeatInterval = Duration.seconds(1)
    private static let engineStackByteCount = 8 << 20

    /// Prepares a worker on a connected socket.
    ///
    /// Borrowed.
    init(
        descriptor: Int32,
        surroundings: WorkerSurroundings,
        log: Log
    ) throws(SystemError) {
        self.descriptor = descriptor
        self.surroundings = surroundings
        self.log = log
        outbox = try Outbox(descriptor: descriptor)
        memoryReserved = try WakeUp()
    }

    /// Greets, reads until the connection ends, and returns the exit code.
    func run() -> Int32 {
        do {
            let writer = try DedicatedThread(name: "worker-writer") { [self] in
                outbox.run(heartbeatInterval: Self.heartbeatInterval) {
                    .heartbeat(mailbox.withLock { $0 }?.status ?? WorkerStatus())
                }
            }
            outbox.send(.hello(protocolVersion: WorkerProtocolVersion.current))
            defer {
                mailbox.withLock { $0 }?.stop()
                outbox.finish()
                writer.join()
            }
            try readMessages()
            return 0
        } catch {
            log.error("the worker ends", ("error", "\(error)"))
            return 1
        }
    }

    private func readMessages() throws {
        var inbox = Inbox(descriptor: descriptor)
        while let message = try inbox.next() {
            switch message {
            case .load(let options): try startEngine(options)
            case .stop: return
            case .memoryReserved: memoryReserved.signal()
            case .memoryNeeded: mailbox.withLock { $0 }?.releaseMemory()
            case .memoryGranted(let byteCount):
                mailbox.withLock { $0 }?.grantMemory(byteCount: byteCount)
            case .cancel(let id): mailbox.withLock { $0 }?.cancel(id)
            case .generate(let request):
                guard let service = service.withLock({ $0 }) else {
                    outbox.send(.event(id: request.id, .failed(Self.notLoaded)))
                    continue
                }
                service.generate(request)
            case .embed(let request):
                guard let service = service.withLock({ $0 }) else {
                    outbox.send(.event(id: request.id, .failed(Self.notLoaded)))
                    continue
                }
                service.embed(request)
            case .tokenize(let id, _, _, _), .detokenize(let id, _), .pieces(let id, _),
                .applyTemplate(let id, _), .countTokens(let id, _):
                guard let service = service.withLock({ $0 }) else {
                    outbox.send(.requestFailed(id: id, Self.notLoaded))
                    continue
                }
                outbox.send(service.answer(message, id: id))
            }
        }
    }

    private static let notLoaded = GenerationFailure(
        kind: .internalFailure,
        message: "The model is not loaded yet."
    )

    private func startEngine(_ options: WorkerLoadOptions) throws {
        let mailbox = try EngineMailbox(
            maximumSubmissionCount: max(1, options.queue.requestCount)
        )
        let isFirst = self.mailbox.withLock { current in
            if current != nil { return false }
            current = mailbox
            return true
        }
        guard isFirst else {
            log.warning("a second load is ignored")
            return
        }
        // Never joined: when the connection ends, the process does, if need be in a step.
        _ = try DedicatedThread(
            name: "engine",
            stackByteCount: Self.engineStackByteCount
        ) { [self] in
            runEngine(options, mailbox)
        }
    }

    /// The engine thread.
    private func runEngine(_ options: WorkerLoadOptions, _ mailbox: EngineMailbox) {
        let model: LoadedModel
        do {
            model = try load(options)
        } catch {
            log.error("the model cannot be loaded", ("error", "\(error)"))
            outbox.send(.loadFailed(message: "\(error)"))
            outbox.finish()
            return
        }
        let service = PromptService(
            encoder: model.encoder,
            task: model.configuration.task,
            mailbox: mailbox,
            outbox: outbox
        )
        self.service.withLock { $0 = service }
        outbox.send(.ready(model.facts))
        let outbox = outbox
        let loop = EngineLoop(
            engine: model.makeEngine(),
            pass: model.pass,
            mailbox: mailbox,
            turn: turn(options),
            // Without the thread masks are found a little later.
            masks: try? MaskThread(),
            moveMemory: { move in
                switch move {
                case .wanted(let byteCount): outbox.send(.memoryWanted(byteCount: byteCount))
                case .returned(let byteCount): outbox.send(.memoryReturned(byteCount: byteCount))
                case .emptied: break
                }
            },
            emit: { emissions in outbox.send(emissions.map { .event(id: $0.id, $0.event) }) }
        )
        loop.run()
    }

    private func turn(_ options: WorkerLoadOptions) -> ComputeTurn? {
        guard let table = surroundings.turns, let seat = options.turnSeat,
            seat < TurnTable.seatCount
        else { return nil }
        return ComputeTurn(table: table, seat: seat)
    }

    private func load(_ options: WorkerLoadOptions) throws -> LoadedModel {
        let started = MonotonicInstant.now()
        let (outbox, memoryReserved) = (outbox, memoryReserved)
        var reported = 0.0
        let model = try LoadedModel.load(
            options,
            instructionSet: try InstructionSet.selected(),
            surroundings: surroundings,
            reserve: { footprint in
                outbox.send(.footprint(footprint))
                // Without end: the process ends when the gateway hangs up instead.
                memoryReserved.wait(until: nil)
            },
            progress: { fraction in
                // A hundred messages are enough for any progress bar.
                guard fraction >= reported + 0.01 || fraction >= 1 else { return }
                reported = fraction
                outbox.send(.loading(fraction: min(max(fraction, 0), 1)))
            }
        )
        if let problem = model.encoder.templateProblem {
            log.warning("the model's chat template cannot be used", ("error", problem))
        }
        let duration = MonotonicInstant.now().duration(since: started)
        let milliseconds = duration.wholeNanoseconds / 1_000_000
        log.info(
            "model loaded",
            ("model", model.facts.name),
            ("milliseconds", milliseconds),
            ("context", model.facts.contextLength),
            ("kv_tokens", model.facts.kvCapacityTokens),
            ("threads", model.facts.threadCount),
            ("kernels", model.facts.instructionSet),
            ("sandbox", model.facts.sandbox)
        )
        return model
    }
}
