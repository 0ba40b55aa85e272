import CLinux
import Glibc

// Open files that travel through a socket of this machine: unix(7), SCM_RIGHTS.
extension StreamSocket {
    /// How many descriptors go with one send at most.
    package static let maximumPassedCount = Int(TORII_PASSED_DESCRIPTORS_MAX)

    /// Sends what the socket takes at once, and with its first byte descriptors, never raising
    /// SIGPIPE.
    ///
    /// - Parameters:
    ///   - descriptor: A connected AF_UNIX stream socket.
    ///   - bytes: At least one byte.
    ///   - passed: Up to ``maximumPassedCount`` open descriptors; the receiver gets its own. They went
    ///     through if any byte did.
    /// - Returns: What became of the bytes.
    package static func send(
        _ descriptor: Int32,
        _ bytes: ArraySlice<UInt8>,
        passing passed: [Int32]
    ) -> Transfer {
        precondition(passed.count <= maximumPassedCount, "so many descriptors go at a time")
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        // Safety: both buffers are readable for their own counts during the call.
        let count = unsafe bytes.withUnsafeBytes { buffer in
            guard !passed.isEmpty else {
                return unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, flags)
            }
            return unsafe passed.withUnsafeBufferPointer { passed in
                unsafe torii_send_with_descriptors(
                    descriptor,
                    buffer.baseAddress,
                    buffer.count,
                    flags,
                    passed.baseAddress,
                    passed.count
                )
            }
        }
        return transfer(count)
    }

    /// Blocks until there are bytes, and takes the descriptors that came with them.
    ///
    /// - Parameters:
    ///   - descriptor: A connected AF_UNIX stream socket, which blocks.
    ///   - buffer: Gets the bytes.
    ///   - passed: Gets the descriptors behind those that it holds; they belong to the caller.
    /// - Returns: How many bytes came; 0 is the end of the stream, or of the connection.
    package static func receiveBlocking(
        _ descriptor: Int32,
        into buffer: inout [UInt8],
        passed: inout [Int32]
    ) -> Int {
        var descriptors = [Int32](repeating: -1, count: maximumPassedCount)
        while true {
            var passedCount = 0
            // Safety: both arrays are writable for their own counts during the call.
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe torii_receive_with_descriptors(
                    descriptor,
                    bytes.baseAddress,
                    bytes.count,
                    0,
                    &descriptors,
                    &passedCount
                )
            }
            if count < 0, errno == EINTR { continue }
            passed += descriptors.prefix(passedCount)
            return max(0, count)
        }
    }
}
