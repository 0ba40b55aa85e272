import Glibc

/// Calls on a stream socket by its number, for code that owns the descriptor elsewhere.
package enum StreamSocket {
    /// The outcome of a read or write that does not block.
    package enum Transfer: Sendable, Hashable {
        /// So many bytes went through; 0 from `receive` is the end of the stream.
        case transferred(Int)
        /// Nothing can be transferred now.
        case wouldBlock
        /// The connection is broken; an errno value.
        case failed(Int32)
    }

    /// Sends what the socket takes at once, never raising SIGPIPE.
    package static func send(_ descriptor: Int32, _ bytes: borrowing Span<UInt8>) -> Transfer {
        // Safety: the span's bytes are valid inside the closure.
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe Glibc.send(
                descriptor,
                buffer.baseAddress,
                buffer.count,
                Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            )
        }
        return transfer(count)
    }

    /// Receives what is there, at most `limit` bytes, into the beginning of `buffer`.
    package static func receive(
        _ descriptor: Int32,
        into buffer: inout [UInt8],
        limit: Int
    ) -> Transfer {
        // Safety: the array has `buffer.count` writable bytes, and no more are asked for.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe recv(
                descriptor,
                bytes.baseAddress,
                min(limit, bytes.count),
                Int32(MSG_DONTWAIT)
            )
        }
        return transfer(count)
    }

    static func transfer(_ count: Int) -> Transfer {
        if count >= 0 { return .transferred(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
    }

    /// Sends everything on a blocking socket; EAGAIN stands for its time-out.
    package static func sendBlocking(
        _ descriptor: Int32,
        _ bytes: borrowing Span<UInt8>
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            // Safety: the span's bytes are valid inside the closure.
            let count = unsafe bytes.extracting(done..<bytes.count).withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor,
                    buffer.baseAddress,
                    buffer.count,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw .last("send")
            }
        }
    }

    /// Receives on a blocking socket; 0 is the end of the stream, EAGAIN stands for its time-out.
    package static func receiveBlocking(
        _ descriptor: Int32,
        into buffer: inout [UInt8]
    ) throws(SystemError) -> Int {
        while true {
            // Safety: the array has `buffer.count` writable bytes.
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
            }
            if count >= 0 { return count }
            guard errno == EINTR else { throw .last("recv") }
        }
    }

    /// Sets the longest wait of blocking sends and receives.
    package static func setTimeouts(_ descriptor: Int32, _ timeout: Duration) {
        let nanoseconds = max(1000, timeout.wholeNanoseconds)
        var time = timeval(
            tv_sec: Int(nanoseconds / 1_000_000_000),
            tv_usec: Int(nanoseconds % 1_000_000_000 / 1000)
        )
        let length = socklen_t(MemoryLayout<timeval>.size)
        for name in [SO_RCVTIMEO, SO_SNDTIMEO] {
            // Safety: the option's value is a timeval of the announced size.
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, name, &time, length)
        }
    }

    /// Sends FIN after what is on its way.
    package static func shutDownSending(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Makes closing the socket send RST and drop what is on its way.
    package static func resetOnClose(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        // Safety: the option's value is a valid linger structure of the announced size.
        _ = unsafe setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &option,
            socklen_t(MemoryLayout<linger>.size)
        )
    }

    /// Sets an integer option; returns whether the kernel took it.
    @discardableResult
    package static func setOption(
        _ descriptor: Int32,
        level: Int32,
        _ name: Int32,
        _ value: Int32
    ) -> Bool {
        var value = value
        // Safety: the option's value is an Int32 of the announced size.
        return unsafe setsockopt(descriptor, level, name, &value, socklen_t(4)) == 0
    }

    /// The options of a server's connection: no delay of small segments, dead peers noticed after
    /// a minute of silence or 20 s of unacknowledged bytes, and little unsent in the kernel.
    package static func configureConnection(_ descriptor: Int32, sendBufferByteCount: Int) {
        setOption(
            descriptor,
            level: SOL_SOCKET,
            SO_SNDBUF,
            Int32(clamping: sendBufferByteCount)
        )
        let tcp = Int32(IPPROTO_TCP)
        guard setOption(descriptor, level: tcp, TCP_NODELAY, 1) else { return }
        setOption(descriptor, level: SOL_SOCKET, SO_KEEPALIVE, 1)
        setOption(descriptor, level: tcp, TCP_KEEPIDLE, 30)
        setOption(descriptor, level: tcp, TCP_KEEPINTVL, 10)
        setOption(descriptor, level: tcp, TCP_KEEPCNT, 3)
        setOption(descriptor, level: tcp, TCP_USER_TIMEOUT, 20_000)
        setOption(descriptor, level: tcp, TCP_NOTSENT_LOWAT, 16 << 10)
    }

    /// The address of this end.
    package static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var bytes = [UInt8](repeating: 0, count: 128)
        var length = socklen_t(bytes.count)
        // Safety: the array is a sockaddr_storage's worth of writable bytes.
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe getsockname(
                descriptor,
                buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                &length
            )
        }
        guard result == 0 else { return nil }
        return SocketAddress(kernelBytes: Array(bytes.prefix(Int(length))))
    }

    /// Connects a new blocking socket.
    package static func connect(to address: SocketAddress) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try FileDescriptor(
            returnedBy: "socket",
            socket(address.family, type, 0),
            path: address.description
        )
        while true {
            let result = unsafe withKernelAddress(address) { pointer, length in
                // Safety: the pointer is to `length` bytes of a socket address.
                unsafe Glibc.connect(descriptor.rawValue, pointer, length)
            }
            if result == 0 || errno == EISCONN { return descriptor }
            guard errno == EINTR else { throw .last("connect", path: address.description) }
        }
    }

    /// Calls `body` with the kernel's form of the address; valid during the call.
    static func withKernelAddress<Result>(
        _ address: SocketAddress,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        let bytes = address.kernelBytes
        // Safety: the bytes are laid out as the structure of their family and outlive the call.
        return unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else {
                preconditionFailure("an address has bytes")
            }
            return unsafe body(
                base.assumingMemoryBound(to: sockaddr.self),
                socklen_t(buffer.count)
            )
        }
    }
}
