import Synchronization

/// Makes the names of requests: from the client's own if it is sane, else from a counter and a
/// number drawn at start, never from a clock.
///
/// Safe from any thread.
final class RequestIDs: Sendable {
    private let prefix: UInt64
    private let counter = Atomic<UInt64>(0)

    init(prefix: UInt64 = .random(in: 0 ... .max)) {
        self.prefix = prefix
    }

    /// The longest id that is taken over from a client.
    static let maximumByteCount = 128

    /// The id of a request with these headers.
    func id(for headers: HTTPHeaders) -> String {
        for name in ["X-Request-Id", "X-Client-Request-Id"] {
            if let value = headers[first: name], !value.isEmpty,
                value.utf8.count <= Self.maximumByteCount,
                ByteSet.requestID.containsAll(value.utf8)
            {
                return value
            }
        }
        return next()
    }

    /// A new id, unlike every other one of this process, and of others but for a chance of 2⁻⁶⁴.
    func next() -> String {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        var bytes: [UInt8] = []
        bytes.reserveCapacity(36)
        bytes += "req_".utf8
        for value in [prefix, number] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 15)
                bytes.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
