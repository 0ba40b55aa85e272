import Glibc
import Platform

/// A client that sends exactly the bytes it is told to, blocking.
final class RawConnection {
    private var socket: FileDescriptor?
    private var pending: [UInt8] = []

    init(to address: SocketAddress, receiveBufferByteCount: Int32? = nil) throws {
        let socket = try StreamSocket.connect(to: address)
        // Only against hanging for ever: handlers share the cores with every other test's work.
        StreamSocket.setTimeouts(socket.rawValue, .seconds(300))
        StreamSocket.setOption(socket.rawValue, level: Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        if let receiveBufferByteCount {
            StreamSocket.setOption(
                socket.rawValue,
                level: SOL_SOCKET,
                SO_RCVBUF,
                receiveBufferByteCount
            )
        }
        self.socket = consume socket
    }

    private var number: Int32 {
        switch socket {
        case .some(let socket): socket.rawValue
        case .none: -1
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws { try StreamSocket.sendBlocking(number, bytes.span) }

    func shutDownSending() { StreamSocket.shutDownSending(number) }

    func close() { socket = nil }

    func reset() {
        StreamSocket.resetOnClose(number)
        socket = nil
    }

    /// Whether there is something to read, or the end, before so long.
    func isReadable(within timeout: Duration) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        let milliseconds = timeout.components.attoseconds / 1_000_000_000_000_000
        return poll(&entry, 1, Int32(timeout.components.seconds * 1000 + milliseconds)) > 0
    }

    /// The next bytes, at most `limit`; empty at the end of the stream.
    func receive(limit: Int = 64 << 10) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = try StreamSocket.receiveBlocking(number, into: &buffer)
        return Array(buffer[..<count])
    }

    /// Everything until the server closes.
    func receiveAll() throws -> String {
        var bytes = pending
        pending = []
        while true {
            let more = try receive()
            if more.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += more
        }
    }

    /// What comes up to and including `end`; what comes after it is kept for the next call.
    func receive(through end: String) throws -> String {
        let mark = Array(end.utf8)
        while true {
            if let range = Self.firstRange(of: mark, in: pending) {
                let text = String(decoding: pending[..<range.upperBound], as: UTF8.self)
                pending.removeFirst(range.upperBound)
                return text
            }
            let more = try receive()
            if more.isEmpty { throw SystemError(call: "recv", code: ENODATA) }
            pending += more
        }
    }

    /// One answer with a Content-Length.
    func receiveAnswer() throws -> (head: String, body: String) {
        let head = try receive(through: "\r\n\r\n")
        let line = head.split(separator: "\r\n").first {
            $0.lowercased().hasPrefix("content-length: ")
        }
        let count = line.flatMap { Int($0.dropFirst(16)) } ?? 0
        while pending.count < count {
            let more = try receive()
            if more.isEmpty { throw SystemError(call: "recv", code: ENODATA) }
            pending += more
        }
        defer { pending.removeFirst(count) }
        return (head, String(decoding: pending[..<count], as: UTF8.self))
    }

    private static func firstRange(of mark: [UInt8], in bytes: [UInt8]) -> Range<Int>? {
        guard bytes.count >= mark.count else { return nil }
        for start in 0...(bytes.count - mark.count)
        where bytes[start..<(start + mark.count)].elementsEqual(mark) {
            return start..<(start + mark.count)
        }
        return nil
    }
}
