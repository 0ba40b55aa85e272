import CSystemd
import Glibc
package import Platform

/// The listening sockets that the service manager opened for this process.
package enum InheritedSockets {
    /// One of them.
    package struct Socket: Sendable, Hashable {
        /// The descriptor, which whoever takes the sockets owns.
        package let descriptor: Int32
        /// Its name from `FileDescriptorName=`.
        package let name: String
        /// Where it listens.
        package let address: SocketAddress
    }

    /// The name of the socket by which operators do everything without a key; it must be a unix one.
    package static let adminName = "admin"

    /// The name of sockets that an earlier process of this daemon opened and had kept.
    package static let keptName = "torii-listener"

    /// A descriptor that was handed over but is no listening stream socket.
    package struct Unsuitable: Error, Sendable, Equatable, CustomStringConvertible {
        /// Its name from `FileDescriptorName=`.
        package let name: String

        package var description: String {
            "the inherited descriptor `\(name)` is no listening stream socket, or the admin's and no "
                + "unix socket; check ListenStream= in the socket unit"
        }
    }

    /// The descriptors of all inherited sockets, by sd_listen_fds_with_names(3).
    ///
    /// Call it once, before other threads start: it clears the variables, so that workers do not
    /// take the sockets for theirs. The caller owns the descriptors.
    package static func take() throws(Unsuitable) -> [Socket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // Safety: `names` receives an array of `count` strings that we free below.
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count > 0 else { return [] }
        var texts: [String] = []
        if let list = unsafe names {
            for index in 0..<Int(count) {
                if let name = unsafe list[index] {
                    unsafe texts.append(String(cString: name))
                    unsafe free(name)
                }
            }
            unsafe free(list)
        }
        let first = SD_LISTEN_FDS_START
        var sockets: [Socket] = []
        for offset in 0..<count {
            let descriptor = first + offset
            let name = Int(offset) < texts.count ? texts[Int(offset)] : "\(descriptor)"
            guard sd_is_socket(descriptor, AF_UNSPEC, Int32(SOCK_STREAM.rawValue), 1) > 0,
                let address = StreamSocket.localAddress(descriptor),
                name != adminName || address.family == AF_UNIX
            else { throw Unsuitable(name: name) }
            sockets.append(Socket(descriptor: descriptor, name: name, address: address))
        }
        return sockets
    }
}
