import Glibc
import WorkerProtocol

/// The gateway's messages, read by blocking.
///
/// Confined to the reading thread.
struct Inbox: ~Copyable {
    private let descriptor: Int32
    private var reader = FrameReader<GatewayMessage>()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

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
            // Safety: `buffer` owns `buffer.count` writable bytes.
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            reader.append(buffer[..<count])
        }
    }
}
