import Glibc
import Platform

/// The gateway's end of the socket to a worker, and a way to wake the thread that waits on it.
///
/// Safe from any thread: nothing in it changes, the kernel orders the calls.
final class WorkerSocket: Sendable {
    private let socket: FileDescriptor
    private let wakeUp: WakeUp

    /// What `receive` found.
    enum Received {
        case bytes(ArraySlice<UInt8>)
        /// Nothing at the moment.
        case nothing
        /// The worker's end is closed, or the connection broke.
        case ended
    }

    /// Takes the descriptor over.
    init(_ socket: consuming FileDescriptor) throws(SystemError) {
        wakeUp = try WakeUp()
        self.socket = socket
    }

    /// Sends what the kernel takes now, and descriptors with its first byte, and returns how much that
    /// was; nil when the worker is gone.
    func send(_ bytes: ArraySlice<UInt8>, passing descriptors: [Int32] = []) -> Int? {
        switch StreamSocket.send(socket.rawValue, bytes, passing: descriptors) {
        case .transferred(let count): count
        case .wouldBlock: 0
        case .failed: nil
        }
    }

    /// Receives what is there, at most `buffer.count` bytes.
    func receive(into buffer: inout [UInt8]) -> Received {
        while true {
            // Safety: the buffer is writable for its own count during the call.
            let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe Glibc.recv(
                    socket.rawValue,
                    buffer.baseAddress,
                    buffer.count,
                    Int32(MSG_DONTWAIT)
                )
            }
            if count > 0 { return .bytes(buffer[..<count]) }
            if count == 0 { return .ended }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .nothing : .ended
        }
    }

    /// Blocks until the worker said something (or hung up), `wake` was called, the socket takes
    /// output if that is awaited, `other` can be read, or the deadline has passed.
    func wait(forOutput: Bool, orFor other: Int32?, until deadline: MonotonicInstant) {
        let events = POLLIN | (forOutput ? POLLOUT : 0)
        var polls = [
            pollfd(fd: socket.rawValue, events: Int16(events), revents: 0),
            pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
            // A negative number is left out.
            pollfd(fd: other ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        // Safety: the array holds the three entries announced. Any error ends the wait like a
        // time-out, the caller looks at the state again.
        guard unsafe poll(&polls, 3, pollTimeout(until: deadline)) > 0 else { return }
        if polls[1].revents != 0 { wakeUp.reset() }
    }

    /// Ends a `wait`, the present one or the next.
    func wake() { wakeUp.signal() }
}
