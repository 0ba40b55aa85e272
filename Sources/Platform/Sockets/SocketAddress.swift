import Glibc

/// The address of one end of a stream socket.
package enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address in host byte order, so 127.0.0.1 is 0x7f00_0001.
    case ipv4(address: UInt32, port: UInt16)
    /// The sixteen bytes of the address as two big-endian halves.
    case ipv6(high: UInt64, low: UInt64, port: UInt16, scope: UInt32)
    /// A path in the file system; empty for the unnamed end that clients have.
    case unix(path: String)

    /// 127.0.0.1 with this port.
    package static func loopback4(port: UInt16) -> SocketAddress {
        .ipv4(address: 0x7f00_0001, port: port)
    }

    /// ::1 with this port.
    package static func loopback6(port: UInt16) -> SocketAddress {
        .ipv6(high: 0, low: 1, port: port, scope: 0)
    }

    /// Reads a literal such as `127.0.0.1` or `::1` (no brackets, no zone); `nil` for anything else.
    package init?(literal: String, port: UInt16) {
        var bytes = [UInt8](repeating: 0, count: 16)
        // Safety: inet_pton writes 4 or 16 bytes into the array's 16.
        if unsafe inet_pton(AF_INET, literal, &bytes) == 1 {
            let address = bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) }
            self = .ipv4(address: address, port: port)
        } else if unsafe inet_pton(AF_INET6, literal, &bytes) == 1 {
            self = .ipv6(
                high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) },
                port: port,
                scope: 0
            )
        } else {
            return nil
        }
    }

    /// The TCP port, or `nil` for a unix socket.
    package var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// Whether only this machine can reach the address: 127.0.0.0/8, ::1, or a unix socket.
    package var isLoopback: Bool {
        switch self {
        case .ipv4(let address, _): address >> 24 == 127
        case .ipv6(let high, let low, _, _): high == 0 && low == 1
        case .unix: true
        }
    }

    /// Whether the address stands for every address of the machine: 0.0.0.0 or ::.
    package var isWildcard: Bool {
        switch self {
        case .ipv4(let address, _): address == 0
        case .ipv6(let high, let low, _, _): high == 0 && low == 0
        case .unix: false
        }
    }

    /// The host alone: `127.0.0.1`, `::1`, or the path of a unix socket.
    package var host: String {
        switch self {
        case .ipv4(let address, _):
            return (0..<4).map { String(address >> (24 - 8 * UInt32($0)) & 0xff) }
                .joined(separator: ".")
        case .ipv6(let high, let low, _, _):
            let address = Self.bigEndianBytes(high) + Self.bigEndianBytes(low)
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            // Safety: the source has 16 bytes, the target the announced length.
            guard unsafe inet_ntop(AF_INET6, address, &text, socklen_t(text.count)) != nil else {
                return "::"
            }
            return String(
                decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
        case .unix(let path): return path
        }
    }

    /// As it stands in a URL: `127.0.0.1:8080`, `[::1]:8080`, or `unix:/run/torii/api.sock`.
    package var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, _, let port, _): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    fileprivate static func bigEndianBytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }
}

// MARK: - The kernel's form

extension SocketAddress {
    /// The longest path of a unix socket in bytes: sun_path less its final NUL.
    package static let maximumUnixPathByteCount = 107

    /// AF_INET, AF_INET6 or AF_UNIX.
    package var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// The bytes of the sockaddr structure: family in host order, the rest as ip(7), ipv6(7) and
    /// unix(7) lay them out.
    package var kernelBytes: [UInt8] {
        let family = UInt16(self.family)
        var bytes = [UInt8(truncatingIfNeeded: family), UInt8(truncatingIfNeeded: family >> 8)]
        #if _endian(big)
        bytes.reverse()
        #endif
        func append(port: UInt16) {
            bytes += [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
        }
        switch self {
        case .ipv4(let address, let port):
            append(port: port)
            bytes += Self.bigEndianBytes(UInt64(address)).suffix(4)
            bytes += [UInt8](repeating: 0, count: 8)
        case .ipv6(let high, let low, let port, let scope):
            append(port: port)
            bytes += [0, 0, 0, 0]
            bytes += Self.bigEndianBytes(high) + Self.bigEndianBytes(low)
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: scope.littleEndian >> (8 * $0)) }
        case .unix(let path):
            bytes += path.utf8.prefix(Self.maximumUnixPathByteCount)
            bytes.append(0)
        }
        return bytes
    }

    /// Reads a sockaddr structure as the kernel filled it in; `nil` for another family.
    package init?(kernelBytes bytes: [UInt8]) {
        guard bytes.count >= 2 else { return nil }
        #if _endian(big)
        let family = Int32(bytes[0]) << 8 | Int32(bytes[1])
        #else
        let family = Int32(bytes[1]) << 8 | Int32(bytes[0])
        #endif
        func number<Value: FixedWidthInteger>(_ range: Range<Int>) -> Value {
            bytes[range].reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
        }
        switch family {
        case AF_INET where bytes.count >= 8:
            self = .ipv4(address: number(4..<8), port: number(2..<4))
        case AF_INET6 where bytes.count >= 28:
            let scope: UInt32 = number(24..<28)
            self = .ipv6(
                high: number(8..<16),
                low: number(16..<24),
                port: number(2..<4),
                scope: scope.byteSwapped
            )
        case AF_UNIX:
            self = .unix(path: String(decoding: bytes[2...].prefix { $0 != 0 }, as: UTF8.self))
        default: return nil
        }
    }
}
