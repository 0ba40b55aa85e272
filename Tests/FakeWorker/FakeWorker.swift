import Glibc
import JSON
import WorkerProtocol

/// A worker without a model: speaks the protocol on descriptor 3 and does what the prompt says.
///
/// How it loads is decided by the model's path, which may contain `broken` (says that it cannot
/// load), `crash` (dies), `damaged` (dies as one that cannot read packed weights which it mapped),
/// `stuck` (loads for ever), or `needs-N` (takes N GiB, as far as it says). A path with `embed` or
/// `rerank` in it is a model for that. What it generates is decided by the prompt, see `Script`, and what
/// it embeds by the first text, see `EmbeddingScript`.
@main
struct FakeWorker {
    private var reader = FrameReader<GatewayMessage>()
    private var writer = FrameWriter()
    private var running: [(id: UInt64, script: Script)] = []
    private var waitingForMemory: [UInt64] = []
    /// Embeddings that never end.
    private var hanging: Set<UInt64> = []
    private var isSilent = false
    private var options = WorkerLoadOptions(modelPath: "")
    /// Granted memory that could be given back.
    private var keptByteCount = 0

    static func main() {
        var worker = FakeWorker()
        worker.run()
    }

    private mutating func run() {
        send(.hello(protocolVersion: WorkerProtocolVersion.current))
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            var polled = pollfd(fd: 3, events: Int16(POLLIN), revents: 0)
            let isBusy = running.contains { $0.script.isActive }
            let count = poll(&polled, 1, isBusy ? 0 : 200)
            if count > 0 {
                let received = read(3, &buffer, buffer.count)
                if received <= 0 { exit(0) }
                reader.append(buffer[..<received])
                while let message = next() { handle(message) }
            }
            step()
            if !isSilent, !isBusy || count > 0 { heartbeat() }
        }
    }

    private mutating func next() -> GatewayMessage? {
        do { return try reader.next() } catch { exit(2) }
    }

    private mutating func handle(_ message: GatewayMessage) {
        switch message {
        case .load(let options): size(options)
        case .memoryReserved: load()
        case .memoryNeeded:
            send(.memoryReturned(byteCount: keptByteCount))
            keptByteCount = 0
        case .generate(let request): begin(request)
        case .embed(let request): embed(request)
        case .cancel(let id):
            if hanging.remove(id) != nil {
                send(.event(id: id, .finished(.cancelled, Script.usage(outputTokenCount: 0))))
            }
            guard let index = running.firstIndex(where: { $0.id == id }) else { return }
            running.remove(at: index)
            send(.event(id: id, .finished(.cancelled, Script.usage(outputTokenCount: 0))))
        case .tokenize(let id, let text, _, let addsBeginningToken):
            let tokens = text.utf8.map { Int32($0) }
            send(.tokens(id: id, addsBeginningToken ? [256] + tokens : tokens))
        case .detokenize(let id, let tokens):
            send(.text(id: id, String(decoding: tokens.map { UInt8(clamping: $0) }, as: UTF8.self)))
        case .pieces(let id, let tokens):
            send(.pieces(id: id, tokens.map { [UInt8(clamping: $0)] }))
        case .applyTemplate(let id, let prompt):
            send(.text(id: id, prompt.messages.serialized()))
        case .countTokens(let id, let prompt):
            send(.tokenCount(id: id, Script.text(prompt).utf8.count))
        case .memoryGranted(let byteCount): memoryGranted(byteCount)
        case .attachAdapter, .adapterReserved, .detachAdapter: break
        case .stop:
            exit(0)
        }
    }

    private var name: Substring { options.modelPath.split(separator: "/").last ?? "" }

    private mutating func size(_ options: WorkerLoadOptions) {
        self.options = options
        if name.contains("broken") {
            send(.loadFailed(message: "the file is not a model"))
            exit(1)
        }
        let size = name.split(separator: "needs-").last.flatMap { Int($0.prefix { $0.isNumber }) }
        let weightByteCount = (size ?? 0) << 30
        send(.footprint(MemoryFootprint(weightByteCount: weightByteCount, contextLength: 4096)))
    }

    private mutating func load() {
        send(.loading(fraction: 0.5))
        if name.contains("stuck") { return }
        if name.contains("crash") { raise(SIGKILL) }
        if name.contains("damaged"), options.cachedWeights != nil {
            // A sanitizer would handle it.
            signal(SIGBUS, SIG_DFL)
            raise(SIGBUS)
        }
        send(
            .ready(
                ModelFacts(
                    architecture: "fake",
                    name: String(name),
                    tasks: [task],
                    pooling: task == .embed ? "mean" : nil,
                    contextLength: options.contextLength ?? 4096,
                    trainedContextLength: 8192,
                    vocabularySize: 257,
                    embeddingLength: EmbeddingScript.vectorLength
                )
            )
        )
    }

    private var task: ModelTask {
        ModelTask.allCases.first { name.contains($0.name) } ?? .generate
    }

    private mutating func embed(_ request: EmbeddingRequest) {
        switch EmbeddingScript(request, task: task).outcome {
        case .events(let events): for event in events { send(.event(id: request.id, event)) }
        case .die: raise(SIGKILL)
        case .hang: hanging.insert(request.id)
        }
    }

    private mutating func begin(_ request: GenerationRequest) {
        let script = Script(request)
        if let byteCount = script.wantedByteCount {
            send(.memoryWanted(byteCount: byteCount))
            waitingForMemory.append(request.id)
        } else {
            if let byteCount = script.returnedByteCount {
                send(.memoryReturned(byteCount: byteCount))
            }
            running.append((request.id, script))
        }
    }

    /// Answers the oldest generation that waits for memory with what there was.
    private mutating func memoryGranted(_ byteCount: Int) {
        guard !waitingForMemory.isEmpty else { return }
        let id = waitingForMemory.removeFirst()
        keptByteCount += byteCount
        send(.event(id: id, .started(promptTokenCount: 7, cachedTokenCount: 3)))
        send(.event(id: id, .delta(text: "\(byteCount)", tokens: [])))
        send(.event(id: id, .finished(.stop, Script.usage(outputTokenCount: 1))))
    }

    /// One event of every generation that has one now.
    private mutating func step() {
        for index in running.indices.reversed() {
            let id = running[index].id
            switch running[index].script.next() {
            case .nothing: break
            case .event(let event):
                send(.event(id: id, event))
                if event.isLast { running.remove(at: index) }
            case .die:
                let words = Array("one line\nthe last words".utf8)
                _ = write(STDERR_FILENO, words, words.count)
                raise(SIGKILL)
            case .fallSilent:
                isSilent = true
                while true { pause() }
            }
        }
    }

    private mutating func heartbeat() {
        send(.heartbeat(WorkerStatus(runningCount: running.count)))
    }

    private mutating func send(_ message: WorkerMessage) {
        do { try writer.append(message) } catch { exit(3) }
        var bytes = writer.take()[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(3, $0.baseAddress, $0.count) }
            if count < 0 { exit(4) }
            bytes = bytes.dropFirst(count)
        }
    }
}
