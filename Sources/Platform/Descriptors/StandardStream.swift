import Glibc

/// The two streams every process can write to.
///
/// Nothing is buffered. Safe from any thread, though what several write at the same time may
/// interleave when it is longer than a pipe takes at once.
package enum StandardStream: Sendable {
    case output
    case error

    private var descriptor: Int32 {
        switch self {
        case .output: STDOUT_FILENO
        case .error: STDERR_FILENO
        }
    }

    /// Writes all of `bytes`, by one write(2) if the kernel takes them; blocks until then.
    ///
    /// Bytes that cannot be written are lost: there is nowhere left to say so.
    package func write(_ bytes: [UInt8]) {
        // Safety: the buffer is valid inside the closure and `write` only reads it.
        unsafe bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let result = unsafe Glibc.write(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + written },
                    buffer.count - written
                )
                if result > 0 {
                    written += result
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
