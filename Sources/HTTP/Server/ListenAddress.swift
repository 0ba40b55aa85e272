package import Platform

/// An address to listen on or to connect to, as people write it.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// One literal address.
    case socket(SocketAddress)
    /// `localhost`: 127.0.0.1 and ::1.
    case localhost(port: UInt16)

    /// Reads `127.0.0.1:11435`, `[::1]:11435`, `localhost:11435`, `unix:/run/torii.sock`, or one of
    /// these after `http://`.
    ///
    /// The port may be left out: then it is `defaultPort`.
    ///
    /// Names other than `localhost` are refused: listening must not depend on a name server.
    package init(parsing text: String, defaultPort: UInt16 = 11435) throws(ListenAddressError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { throw .emptyPath(text) }
            guard path.utf8.count <= SocketAddress.maximumUnixPathByteCount else {
                throw .pathTooLong(text, maximumByteCount: SocketAddress.maximumUnixPathByteCount)
            }
            self = .socket(.unix(path: path))
            return
        }
        var rest = Substring(text)
        if rest.hasPrefix("http://") { rest = rest.dropFirst(7) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let (host, port) = try Self.split(rest, defaultPort: defaultPort, text: text)
        if host.lowercased() == "localhost" {
            self = .localhost(port: port)
        } else if let address = SocketAddress(literal: host, port: port) {
            self = .socket(address)
        } else {
            throw .notAnAddress(text)
        }
    }

    private static func split(
        _ rest: Substring,
        defaultPort: UInt16,
        text: String
    ) throws(ListenAddressError) -> (String, UInt16) {
        let host: Substring
        let after: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw .notAnAddress(text) }
            host = rest[rest.index(after: rest.startIndex)..<end]
            after = rest[rest.index(after: end)...]
        } else if let colon = rest.firstIndex(of: ":") {
            host = rest[..<colon]
            after = rest[colon...]
        } else {
            host = rest
            after = ""
        }
        if after.isEmpty { return (String(host), defaultPort) }
        guard after.hasPrefix(":"), after.utf8.dropFirst().allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let port = UInt16(after.dropFirst())
        else { throw .invalidPort(text) }
        return (String(host), port)
    }

    /// The literal addresses it stands for.
    package var socketAddresses: [SocketAddress] {
        switch self {
        case .socket(let address): [address]
        case .localhost(let port): [.loopback4(port: port), .loopback6(port: port)]
        }
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { socketAddresses.allSatisfy(\.isLoopback) }

    package var description: String {
        switch self {
        case .socket(let address): address.description
        case .localhost(let port): "localhost:\(port)"
        }
    }
}

/// A text that is no address to listen on.
///
/// Each case carries the text.
package enum ListenAddressError: Error, Sendable, Hashable, CustomStringConvertible {
    case emptyPath(String)
    case pathTooLong(String, maximumByteCount: Int)
    case invalidPort(String)
    case notAnAddress(String)

    package var description: String {
        switch self {
        case .emptyPath(let text): "\(text): write the socket's path after unix:"
        case .pathTooLong(let text, let maximum):
            "\(text): the path of a unix socket has at most \(maximum) bytes"
        case .invalidPort(let text): "\(text): the port is a number from 0 to 65535"
        case .notAnAddress(let text):
            "\(text): not an address; use 127.0.0.1:PORT, [::1]:PORT, localhost:PORT or unix:PATH"
        }
    }
}
