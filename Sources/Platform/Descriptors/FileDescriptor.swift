import Glibc

/// The owner of one open file descriptor: closes it exactly once, at the end of its life.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The descriptor's number.
    ///
    /// Borrowed: valid while this value lives.
    package let rawValue: Int32

    /// Takes ownership of `descriptor`, which must be open and owned by nobody else.
    package init(owning descriptor: Int32) {
        precondition(descriptor >= 0, "a negative number is no descriptor")
        rawValue = descriptor
    }

    /// Takes ownership of what a system call returned, or throws its failure.
    package init(
        returnedBy call: String,
        _ result: Int32,
        path: String? = nil
    ) throws(SystemError) {
        guard result >= 0 else { throw .last(call, path: path) }
        rawValue = result
    }

    /// Writes all of `bytes` to a file; a write of a part is followed by one of the rest.
    ///
    /// - Parameters:
    ///   - bytes: What the file gets.
    ///   - path: The file's path, for errors and fault plans.
    /// - Throws: The write that failed; some of the bytes may have been written.
    package func writeAll(_ bytes: [UInt8], path: String) throws(SystemError) {
        // Safety: the array outlives the call, which only reads it.
        try unsafe bytes.span.bytes.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe writeAll(bytes, path: path)
        }
    }

    /// The same with bytes that somebody else owns, and keeps until the call returns.
    package func writeAll(
        _ bytes: UnsafeRawBufferPointer,
        path: String
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            try FaultPlan.pass("write", path: path)
            // Safety: the rest of the caller's bytes.
            let count = unsafe Glibc.write(
                rawValue,
                bytes.baseAddress?.advanced(by: done),
                bytes.count - done
            )
            if count < 0 {
                if errno == EINTR { continue }
                throw .last("write", path: path)
            }
            done += count
        }
    }

    /// Gives the open descriptor away: the caller closes it.
    package consuming func release() -> Int32 {
        let descriptor = rawValue
        discard self
        return descriptor
    }

    deinit {
        // EINTR included, Linux has freed the number when close returns; nobody could act on EIO.
        _ = Glibc.close(rawValue)
    }
}
