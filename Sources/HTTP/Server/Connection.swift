import Platform

/// One accepted connection.
///
/// Confined to the I/O loop's thread; other threads reach only `output`.
final class Connection {
    let descriptor: Int32
    /// The registration number and the descriptor, so that events of an earlier connection with
    /// the same descriptor are told apart.
    let token: UInt64
    let peer: SocketAddress
    let local: SocketAddress
    /// The index of the listener that it came to.
    let listener: Int
    /// It was accepted only to be told that there are too many.
    let isRefused: Bool
    let output: OutboundBuffer
    var machine: ConnectionStateMachine
    /// What epoll watches the socket for.
    var interest: Readiness
    /// What the client has sent of requests that are not answered, as far as the loop has counted it.
    var heldByteCount = 0
    /// Bytes wait for the socket.
    var isSendingStalled = false
    /// The request between its head and its dispatch.
    var request: HTTPRequest?
    var exchange: ResponseExchange?
    var task: Task<Void, Never>?
    /// The entry of the deadline queue that belongs to this connection.
    var scheduledDeadline: MonotonicInstant?

    init(
        descriptor: Int32,
        registration: UInt32,
        peer: SocketAddress,
        local: SocketAddress,
        listener: Int,
        isRefused: Bool,
        limits: HTTPLimits,
        now: MonotonicInstant
    ) {
        self.descriptor = descriptor
        token = Self.token(registration: registration, descriptor: descriptor)
        self.peer = peer
        self.local = local
        self.listener = listener
        self.isRefused = isRefused
        output = OutboundBuffer(descriptor: descriptor, limits: limits)
        machine = ConnectionStateMachine(limits: limits, now: now)
        interest = [.readable, .peerClosed]
    }

    /// What epoll should watch the socket for now.
    ///
    /// The peer's end is watched also while nothing is read, so that a client that hangs up is
    /// noticed at once.
    var wantedInterest: Readiness {
        var wanted: UInt32 = 0
        if machine.readCapacity > 0 { wanted |= Readiness.readable.rawValue }
        if !machine.isPeerClosed { wanted |= Readiness.peerClosed.rawValue }
        if isSendingStalled { wanted |= Readiness.writable.rawValue }
        return Readiness(rawValue: wanted)
    }

    static func token(registration: UInt32, descriptor: Int32) -> UInt64 {
        UInt64(registration) << 32 | UInt64(UInt32(bitPattern: descriptor))
    }

    static func descriptor(of token: UInt64) -> Int {
        Int(UInt32(truncatingIfNeeded: token))
    }
}
