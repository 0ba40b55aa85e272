import Glibc

/// Two connected sockets of this machine, and the owner of both until they are taken apart.
package struct SocketPair: ~Copyable {
    /// One end.
    package let first: FileDescriptor
    /// The other end.
    package let second: FileDescriptor

    /// Makes a pair of connected AF_UNIX stream sockets, blocking and close-on-exec.
    package static func make() throws(SystemError) -> SocketPair {
        var descriptors: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        // Safety: the array has room for the two numbers that the call writes.
        guard unsafe socketpair(AF_UNIX, type, 0, &descriptors) == 0 else {
            throw .last("socketpair")
        }
        return SocketPair(
            first: FileDescriptor(owning: descriptors[0]),
            second: FileDescriptor(owning: descriptors[1])
        )
    }

    /// Gives both open descriptors away: the caller closes them.
    package consuming func release() -> (first: Int32, second: Int32) {
        (first.release(), second.release())
    }
}
