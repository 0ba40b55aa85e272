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
