import Platform
import WorkerProtocol

/// The gateway's messages, read by blocking.
///
/// Confined to the reading thread.
struct Inbox: ~Copyable {
    private let descriptor: Int32
    private var reader = FrameReader<GatewayMessage>()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// Descriptors that came and that no message has claimed yet, in order.
    private var passed: [Int32] = []

    /// Reads from a connected stream socket.
    ///
    /// Borrowed.
    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Waits for the next message.
    ///
    /// - Returns: nil at the connection's end.
    /// - Throws: `WorkerProtocolError` if the gateway sends what is no message.
    mutating func next() throws(WorkerProtocolError) -> GatewayMessage? {
        while true {
            if let message = try reader.next() { return message }
            let count = StreamSocket.receiveBlocking(descriptor, into: &buffer, passed: &passed)
            guard count > 0 else { return nil }
            reader.append(buffer[..<count])
        }
    }

    /// The files of an adapter that the last message names.
    ///
    /// They came before the message was complete.
    ///
    /// - Throws: `WorkerProtocolError` if the gateway has not passed them.
    mutating func takeFiles(
        of source: AdapterSource
    ) throws(WorkerProtocolError) -> AdapterFile {
        guard passed.count >= source.fileNames.count else {
            throw .valueOutOfRange(field: "descriptors")
        }
        defer { passed.removeFirst(source.fileNames.count) }
        return AdapterFile(
            source: source,
            descriptors: Array(passed.prefix(source.fileNames.count))
        )
    }
}
