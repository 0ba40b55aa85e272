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
            case .load(let options):
                var files: [AdapterFile] = []
                for source in options.adapters { files.append(try inbox.takeFiles(of: source)) }
                try startEngine(options, adapters: files)
            case .stop: return
            case .memoryReserved: memoryReserved.signal()
            case .memoryNeeded: mailbox.withLock { $0 }?.releaseMemory()
            case .memoryGranted(let byteCount):
                mailbox.withLock { $0 }?.grantMemory(byteCount: byteCount)
            case .cancel(let id): mailbox.withLock { $0 }?.cancel(id)
            case .attachAdapter(let id, let source):
                let file = try inbox.takeFiles(of: source)
                guard let service = service.withLock({ $0 }) else {
                    file.close()
                    outbox.send(.requestFailed(id: id, Self.notLoaded))
                    continue
                }
                service.adapters.attach(id: id, file)
            case .adapterReserved(let id, let isGranted):
                service.withLock { $0 }?.adapters.reserved(id: id, isGranted: isGranted)
            case .detachAdapter(let name): service.withLock { $0 }?.adapters.detach(name)
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

    private func startEngine(_ options: WorkerLoadOptions, adapters: [AdapterFile]) throws {
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
            runEngine(options, adapters, mailbox)
        }
    }

    /// The engine thread.
    private func runEngine(
        _ options: WorkerLoadOptions,
        _ adapters: [AdapterFile],
        _ mailbox: EngineMailbox
    ) {
        let model: LoadedModel
        do {
            model = try load(options, adapters)
        } catch {
            log.error("the model cannot be loaded", ("error", "\(error)"))
            outbox.send(.loadFailed(message: "\(error)"))
            outbox.finish()
            return
        }
        let shelf = AdapterShelf(model, outbox: outbox)
        for facts in shelf.facts {
            guard let problem = facts.problem else { continue }
            log.warning("an adapter cannot be used", ("adapter", facts.name), ("error", problem))
        }
        let service = PromptService(
            encoder: model.encoder,
            task: model.configuration.task,
            adapters: shelf,
            mailbox: mailbox,
            outbox: outbox
        )
        self.service.withLock { $0 = service }
        var facts = model.facts
        facts.adapters = shelf.facts
        outbox.send(.ready(facts))
        keep(model.weights, options)
        let outbox = outbox
        // Without the thread masks are found a little later.
        let masks = try? MaskThread()
        defer { masks?.stop() }
        let loop = EngineLoop(
            engine: model.makeEngine(),
            pass: model.pass,
            mailbox: mailbox,
            turn: turn(options),
            masks: masks,
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

    /// Leaves the packed weights to the next worker, if this one had to pack them.
    private func keep(_ weights: ModelWeights, _ options: WorkerLoadOptions) {
        guard let output = options.cacheOutput else { return }
        guard !weights.wereCached else {
            _ = FileDescriptor(owning: output)
            return
        }
        let (outbox, log) = (outbox, log)
        do throws(SystemError) {
            try weights.keep(in: output) { result in
                switch result {
                case .success: outbox.send(.weightsCached)
                case .failure(let error):
                    log.warning("the packed weights cannot be kept", ("error", error))
                }
            }
        } catch {
            log.warning("the packed weights cannot be kept", ("error", error))
        }
    }

    private func turn(_ options: WorkerLoadOptions) -> ComputeTurn? {
        guard let table = surroundings.turns, let seat = options.turnSeat,
            seat < TurnTable.seatCount
        else { return nil }
        return ComputeTurn(table: table, seat: seat)
    }

    private func load(
        _ options: WorkerLoadOptions,
        _ adapters: [AdapterFile]
    ) throws -> LoadedModel {
        let started = MonotonicInstant.now()
        let (outbox, memoryReserved) = (outbox, memoryReserved)
        var reported = 0.0
        let model = try LoadedModel.load(
            options,
            adapters: adapters,
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
        if let problem = model.weights.problem {
            log.info("the packed weights are of no use and made anew", ("reason", problem))
        }
        let duration = MonotonicInstant.now().duration(since: started)
        let milliseconds = duration.wholeNanoseconds / 1_000_000
        log.info(
            "model loaded",
            ("model", model.facts.name),
            ("milliseconds", milliseconds),
            ("weights", model.weights.wereCached ? "mapped" : "packed"),
            ("context", model.facts.contextLength),
            ("kv_tokens", model.facts.kvCapacityTokens),
            ("threads", model.facts.threadCount),
            ("kernels", model.facts.instructionSet),
            ("sandbox", model.facts.sandbox)
        )
        return model
    }
}
