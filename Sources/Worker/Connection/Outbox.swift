import Glibc
import Platform
import Synchronization
import WorkerProtocol

/// Messages on their way to the gateway.
///
/// Safe from any thread. `send` never blocks: a thread of its own writes. Everything of one call
/// leaves in one write if the socket takes it. Bounded: a gateway that reads nothing for so long
/// that the limit is reached has lost this worker.
final class Outbox: Sendable {
    private struct State {
        var writer = FrameWriter()
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeUp: WakeUp
    private let descriptor: Int32
    private let maximumUnsentByteCount: Int

    /// Makes an empty outbox.
    ///
    /// - Parameters:
    ///   - descriptor: A connected stream socket. Borrowed.
    ///   - maximumUnsentByteCount: Bytes that may wait; 64 MiB.
    /// - Throws: EMFILE or ENFILE.
    init(descriptor: Int32, maximumUnsentByteCount: Int = 64 << 20) throws(SystemError) {
        self.descriptor = descriptor
        self.maximumUnsentByteCount = maximumUnsentByteCount
        wakeUp = try WakeUp()
    }

    /// Hands messages over to the writing thread.
    func send(_ messages: [WorkerMessage]) {
        let isFull = state.withLock { state in
            if state.isClosed { return false }
            for message in messages {
                do throws(WorkerProtocolError) {
                    try state.writer.append(message)
                } catch {
                    Self.appendReplacement(for: message, &state.writer)
                }
            }
            return state.writer.bytes.count > maximumUnsentByteCount
        }
        if isFull { close() }
        wakeUp.signal()
    }

    /// Hands one message over to the writing thread.
    func send(_ message: WorkerMessage) { send([message]) }

    /// Writes until the outbox is closed or the gateway is gone.
    ///
    /// - Parameters:
    ///   - heartbeatInterval: How often the gateway hears from us at least.
    ///   - heartbeat: What it hears.
    func run(heartbeatInterval: Duration, heartbeat: () -> WorkerMessage) {
        var nextHeartbeat = MonotonicInstant.now().advanced(by: heartbeatInterval)
        while true {
            wakeUp.reset()
            let (bytes, isClosed) = state.withLock { ($0.writer.take(), $0.isClosed) }
            guard write(bytes), !isClosed else { return close() }
            let now = MonotonicInstant.now()
            if now >= nextHeartbeat {
                nextHeartbeat = now.advanced(by: heartbeatInterval)
                send(heartbeat())
            } else if bytes.isEmpty {
                wakeUp.wait(until: nextHeartbeat)
            }
        }
    }

    /// Ends the connection; the reading side of this process sees its end too.
    func close() {
        state.withLock { $0.isClosed = true }
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
        wakeUp.signal()
    }

    /// Ends the connection after what was sent has been written.
    func finish() {
        state.withLock { $0.isClosed = true }
        wakeUp.signal()
    }

    /// Whether everything was written.
    private func write(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            // Safety: the buffer has `bytes.count - offset` readable bytes behind the pointer.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + offset },
                    bytes.count - offset,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }

    /// A message above the frame limit is a defect or an absurd request; its asker still hears.
    private static func appendReplacement(for message: WorkerMessage, _ writer: inout FrameWriter) {
        let failure = GenerationFailure(
            kind: .internalFailure,
            message: "The answer is too large to be sent; ask for less at a time."
        )
        let replacement: WorkerMessage? =
            switch message {
            case .event(let id, _): .event(id: id, .failed(failure))
            case .tokens(let id, _), .pieces(let id, _), .text(let id, _), .tokenCount(let id, _),
                .requestFailed(let id, _), .adapterAttached(let id, _):
                .requestFailed(id: id, failure)
            case .hello, .footprint, .loading, .ready, .loadFailed, .heartbeat, .memoryWanted,
                .memoryReturned, .adapterSized, .weightsCached:
                nil
            }
        // The replacement is a few dozen bytes.
        if let replacement { try? writer.append(replacement) }
    }
}
