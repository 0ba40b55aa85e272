import Foundation
import Glibc

/// The service manager's end of sd_notify(3): a datagram socket that collects messages.
final class NotifyReceiver: @unchecked Sendable {
    // Safety: used by one test at a time.
    let path: String
    private let descriptor: Int32
    private(set) var messages: [String] = []

    struct Missing: Error, CustomStringConvertible {
        let wanted: String
        let messages: [String]
        var description: String { "no \(wanted) among the notifications \(messages)" }
    }

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            buffer.copyBytes(from: path.utf8.prefix(buffer.count - 1))
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard descriptor >= 0, result == 0 else { throw POSIXError(.EIO) }
    }

    deinit { close(descriptor) }

    /// Waits for a message that has an assignment beginning with `prefix`, and returns it.
    ///
    /// Earlier messages are looked through first, each is returned once.
    func wait(for prefix: String, seconds: Int = 60) throws -> String {
        let end = Date().addingTimeInterval(TimeInterval(seconds))
        while Date() < end {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 200) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { continue }
            let message = String(decoding: buffer[..<count], as: UTF8.self)
            messages.append(message)
            if message.split(separator: "\n").contains(where: { $0.hasPrefix(prefix) }) {
                return message
            }
        }
        throw Missing(wanted: prefix, messages: messages)
    }
}
