import Platform

/// Who has how many connections, and whether one more may come in.
///
/// Pure; confined to its loop. A listener keeps a few places of the total that no other listener can
/// take: so the operator's socket answers however many clients throng at the others.
struct ConnectionCensus: Sendable {
    /// What becomes of a new connection.
    enum Decision: Sendable, Hashable {
        /// It is served.
        case serve
        /// It is told that there are too many, and closed.
        case refuse
        /// It is closed without a word: too many are being refused already.
        case drop
    }

    /// Connections beyond the limits that may wait for their 503.
    static let maximumRefusalCount = 64

    private let limits: HTTPLimits
    /// The places that each listener has for itself.
    private let kept: Int
    /// The connections served, by listener.
    private var served: [Int]
    /// The connections served that come from other machines, by address.
    private var origins: [SocketAddress: Int] = [:]
    private var refusedCount = 0

    init(limits: HTTPLimits, listenerCount: Int) {
        self.limits = limits
        kept = min(
            limits.keptConnectionsPerListener,
            limits.maximumConnectionCount / max(listenerCount, 1)
        )
        served = [Int](repeating: 0, count: listenerCount)
    }

    /// The connections that are open, those being refused included.
    var openCount: Int { served.reduce(refusedCount, +) }

    /// Decides about a new connection and counts it, unless it is dropped.
    ///
    /// - Parameters:
    ///   - listener: The index of the listener that it came to.
    ///   - origin: What its client is counted by; nil for this machine's own.
    /// - Returns: What becomes of it.
    /// - Complexity: O(*n*) in the number of listeners.
    mutating func decide(listener: Int, origin: SocketAddress?) -> Decision {
        guard hasRoom(listener: listener), hasRoom(origin: origin) else {
            guard refusedCount < Self.maximumRefusalCount else { return .drop }
            refusedCount += 1
            return .refuse
        }
        served[listener] += 1
        if let origin { origins[origin, default: 0] += 1 }
        return .serve
    }

    /// A connection that was counted is closed.
    mutating func closed(listener: Int, origin: SocketAddress?, wasRefused: Bool) {
        guard !wasRefused else {
            refusedCount -= 1
            return
        }
        served[listener] -= 1
        guard let origin, let count = origins[origin] else { return }
        origins[origin] = count > 1 ? count - 1 : nil
    }

    /// Every listener counts as having at least the places that are kept for it.
    private func hasRoom(listener: Int) -> Bool {
        if served[listener] < kept { return true }
        return served.reduce(0) { $0 + max($1, kept) } < limits.maximumConnectionCount
    }

    private func hasRoom(origin: SocketAddress?) -> Bool {
        guard let origin else { return true }
        return origins[origin, default: 0] < limits.maximumConnectionsPerAddress
    }
}
