import Glibc
import Platform
import Synchronization
import TestSupport
import WorkerProtocol

@testable import Worker

/// A worker on a thread of this process, and the gateway's end of its socket.
final class WorkerConversation {
    private let ours: Int32
    private let thread: DedicatedThread
    private let exitCode = ExitCode()
    private var reader = FrameReader<WorkerMessage>()

    private final class ExitCode: Sendable {
        let value = Mutex<Int32?>(nil)
    }

    init() throws {
        // One line each: the pair cannot be copied.
        let pair = try SocketPair.make()
        ours = dup(pair.first.rawValue)
        let theirs = dup(pair.second.rawValue)
        let exitCode = exitCode
        thread = try DedicatedThread(name: "worker") {
            let threads = try? WorkerThreads(
                descriptor: theirs,
                surroundings: .now(),
                log: .init(sink: .none)
            )
            let code = threads?.run() ?? 99
            exitCode.value.withLock { $0 = code }
            close(theirs)
        }
    }

    deinit { close(ours) }

    /// Starts a worker and loads a model of a test.
    static func loaded(
        _ path: String,
        _ change: (inout WorkerLoadOptions) -> Void = { _ in }
    ) throws -> (conversation: WorkerConversation, facts: ModelFacts) {
        let conversation = try WorkerConversation()
        var options = WorkerLoadOptions(modelPath: path, threadCount: 1)
        change(&options)
        try conversation.send(.load(options))
        while let message = try conversation.next() {
            if case .ready(let facts) = message { return (conversation, facts) }
            if case .loadFailed(let message) = message { throw Unexpected(text: message) }
        }
        throw Unexpected(text: "the worker ended")
    }

    struct Unexpected: Error { var text: String }

    func send(_ messages: GatewayMessage...) throws {
        var writer = FrameWriter()
        for message in messages { try writer.append(message) }
        let bytes = writer.take()
        guard write(ours, bytes, bytes.count) == bytes.count else {
            throw Unexpected(text: "the worker does not read")
        }
    }

    func sendGarbage() {
        let bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        _ = write(ours, bytes, bytes.count)
    }

    /// The next message; nil at the end.
    ///
    /// Heartbeats are left out, and the footprint, which is granted.
    func next() throws -> WorkerMessage? {
        while true {
            while let message = try reader.next() {
                if case .heartbeat = message { continue }
                if case .footprint = message {
                    try send(.memoryReserved)
                    continue
                }
                return message
            }
            guard let bytes = receive() else { return nil }
            reader.append(bytes)
        }
    }

    /// The next heartbeat.
    func heartbeat() throws -> WorkerStatus? {
        while true {
            while let message = try reader.next() {
                if case .heartbeat(let status) = message { return status }
            }
            guard let bytes = receive() else { return nil }
            reader.append(bytes)
        }
    }

    private func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(ours, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// All events of a generation.
    func events(_ id: UInt64) throws -> [GenerationEvent] {
        var events: [GenerationEvent] = []
        while let message = try next() {
            guard case .event(id, let event) = message else { continue }
            events.append(event)
            if event.isLast { break }
        }
        return events
    }

    /// Hangs up and waits for the worker's exit code.
    func end() -> Int32? {
        shutdown(ours, Int32(SHUT_RDWR))
        thread.join()
        return exitCode.value.withLock { $0 }
    }
}

extension [GenerationEvent] {
    var text: String {
        reduce(into: "") { text, event in
            if case .delta(let more, _) = event { text += more }
        }
    }

    var usage: GenerationUsage? {
        guard case .finished(_, let usage)? = last else { return nil }
        return usage
    }

    var failure: GenerationFailure? {
        guard case .failed(let failure)? = last else { return nil }
        return failure
    }
}
