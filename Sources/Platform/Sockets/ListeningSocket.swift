import CLinux
import Glibc
import Synchronization

/// A socket that accepts stream connections without blocking.
///
/// Safe from any thread. Closing it removes the socket file that it made.
package final class ListeningSocket: Sendable {
    /// What `accept` got.
    package enum Acceptance: ~Copyable {
        /// A connection, non-blocking and close-on-exec, and its client's address.
        case accepted(FileDescriptor, SocketAddress)
        /// Nobody waits.
        case none
        /// That one is lost or was refused by a firewall; try the next.
        case retry
        /// The process or the system is out of descriptors.
        case outOfDescriptors
        /// The system is out of memory, or the socket is broken; an errno value.
        case failed(Int32)
    }

    /// The address with its real port.
    package let address: SocketAddress

    private let descriptor: Mutex<Int32?>
    private let madePath: String?

    /// Opens and binds a socket.
    ///
    /// A socket file that nobody listens on any more is replaced. IPv6 sockets take IPv6 only.
    /// - Parameters:
    ///   - address: Where to listen; port 0 lets the kernel choose.
    ///   - backlog: How many connections may wait.
    ///   - unixMode: The access rights of a socket file.
    /// - Throws: EADDRINUSE, EACCES and so on, with the address as path.
    package init(
        address: SocketAddress,
        backlog: Int32 = 1024,
        unixMode: UInt32 = 0o660
    ) throws(SystemError) {
        let text = address.description
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = try FileDescriptor(
            returnedBy: "socket",
            Glibc.socket(address.family, type | Int32(SOCK_NONBLOCK.rawValue), 0),
            path: text
        )
        var path: String?
        if case .unix(let file) = address {
            path = file
            Self.removeStaleFile(file, address: address)
        } else {
            StreamSocket.setOption(socket.rawValue, level: SOL_SOCKET, SO_REUSEADDR, 1)
            if address.family == AF_INET6 {
                StreamSocket.setOption(
                    socket.rawValue,
                    level: Int32(IPPROTO_IPV6),
                    IPV6_V6ONLY,
                    1
                )
            }
        }
        let bound = unsafe StreamSocket.withKernelAddress(address) { pointer, length in
            // Safety: the pointer is to `length` bytes of a socket address.
            unsafe bind(socket.rawValue, pointer, length)
        }
        guard bound == 0 else { throw .last("bind", path: text) }
        // Safety: the path is passed as a NUL-terminated copy.
        if let path, unsafe chmod(path, mode_t(unixMode)) != 0 {
            throw .last("chmod", path: path)
        }
        guard listen(socket.rawValue, backlog) == 0 else { throw .last("listen", path: text) }
        self.address = StreamSocket.localAddress(socket.rawValue) ?? address
        madePath = path
        descriptor = Mutex(socket.release())
    }

    /// Takes over a socket that already listens, from a service manager.
    ///
    /// - Throws: ENOTSOCK and so on when the descriptor is none.
    package init(inherited number: Int32) throws(SystemError) {
        var isListening: Int32 = 0
        var length = socklen_t(4)
        // Safety: the value has room for the announced four bytes.
        guard
            unsafe getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0
        else { throw .last("getsockopt", path: "descriptor \(number)") }
        guard isListening != 0, let address = StreamSocket.localAddress(number) else {
            throw SystemError(call: "accept", code: EINVAL, path: "descriptor \(number)")
        }
        guard torii_set_nonblocking(number, true) == 0, torii_set_close_on_exec(number, true) == 0
        else { throw .last("fcntl", path: "descriptor \(number)") }
        self.address = address
        madePath = nil
        descriptor = Mutex(number)
    }

    /// The descriptor, until `close`.
    ///
    /// Borrowed.
    package var number: Int32? { descriptor.withLock { $0 } }

    /// Takes the next waiting connection.
    package func accept() -> Acceptance {
        guard let number else { return .none }
        var bytes = [UInt8](repeating: 0, count: 128)
        var length: UInt32 = 0
        // Safety: the array has room for a sockaddr_storage, and `length` is writable.
        let accepted = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe torii_accept(number, buffer.baseAddress, &length)
        }
        guard accepted >= 0 else {
            switch errno {
            case EAGAIN: return .none
            case EMFILE, ENFILE: return .outOfDescriptors
            case ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP: return .failed(errno)
            // accept(2): pending network errors of the new connection count as "try again".
            default: return .retry
            }
        }
        let peer = SocketAddress(kernelBytes: Array(bytes.prefix(Int(min(length, 128)))))
        return .accepted(FileDescriptor(owning: accepted), peer ?? .unix(path: ""))
    }

    /// Listens no more.
    ///
    /// Later calls do nothing.
    package func close() {
        let number = descriptor.withLock { number in
            defer { number = nil }
            return number
        }
        guard let number else { return }
        _ = Glibc.close(number)
        // Safety: the path is passed as a NUL-terminated copy.
        if let madePath { _ = unsafe unlink(madePath) }
    }

    deinit { close() }

    private static func removeStaleFile(_ path: String, address: SocketAddress) {
        var status = stat()
        // Safety: `status` is writable and the path a NUL-terminated copy.
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        do throws(SystemError) {
            _ = try StreamSocket.connect(to: address)
        } catch {
            // Safety: the path is passed as a NUL-terminated copy.
            if error.code == ECONNREFUSED { _ = unsafe unlink(path) }
        }
    }
}
