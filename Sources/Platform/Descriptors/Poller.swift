import CLinux

/// What a descriptor is ready for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Something to read, or the end of the stream, or a connection to accept.
    package static let readable = Readiness(rawValue: UInt32(TORII_EPOLL_IN))
    /// Room in the send buffer.
    package static let writable = Readiness(rawValue: UInt32(TORII_EPOLL_OUT))
    /// The peer has shut its sending side, or closed.
    package static let peerClosed = Readiness(rawValue: UInt32(TORII_EPOLL_PEER_CLOSED))
    /// An error is pending; reported whether asked for or not.
    package static let failed = Readiness(rawValue: UInt32(TORII_EPOLL_ERROR))
    /// Both sides are closed; reported whether asked for or not.
    package static let hungUp = Readiness(rawValue: UInt32(TORII_EPOLL_HANGUP))
    /// There is nobody at the other end any more.
    package static let lost: Readiness = [.failed, .hungUp]
}

/// Waits for many descriptors at once: an epoll(7) instance, level-triggered.
///
/// Safe from any thread, except that only one thread at a time may wait.
package final class Poller: Sendable {
    /// One ready descriptor.
    package struct Event: Sendable {
        /// The token given with the descriptor.
        package let token: UInt64
        package let readiness: Readiness
    }

    private let epoll: FileDescriptor

    /// Makes an instance that watches nothing.
    package init() throws(SystemError) {
        epoll = try FileDescriptor(returnedBy: "epoll_create1", torii_epoll_create())
    }

    /// Begins to watch; `token` comes back with every event of the descriptor.
    package func add(
        _ descriptor: Int32,
        for interest: Readiness,
        token: UInt64
    ) throws(SystemError) {
        guard torii_epoll_add(epoll.rawValue, descriptor, interest.rawValue, token) == 0 else {
            throw .last("epoll_ctl")
        }
    }

    /// Changes what a watched descriptor is watched for.
    package func modify(_ descriptor: Int32, for interest: Readiness, token: UInt64) {
        let result = torii_epoll_modify(epoll.rawValue, descriptor, interest.rawValue, token)
        precondition(result == 0, "only a watched descriptor is modified")
    }

    /// Stops watching.
    ///
    /// Closing the last copy of a descriptor does so too.
    package func remove(_ descriptor: Int32) {
        _ = torii_epoll_remove(epoll.rawValue, descriptor)
    }

    /// Blocks until a descriptor is ready or `deadline` has passed, and calls `body` for each event.
    ///
    /// At most 256 events are reported at a time. An interrupting signal reports none.
    package func wait(until deadline: MonotonicInstant?, _ body: (Event) -> Void) {
        let capacity = 256
        unsafe withUnsafeTemporaryAllocation(of: torii_readiness.self, capacity: capacity) {
            ready in
            // Safety: the buffer has room for `capacity` entries, of which the call sets the first
            // `count`.
            let count = unsafe torii_epoll_wait(
                epoll.rawValue,
                ready.baseAddress,
                Int32(capacity),
                pollTimeout(until: deadline)
            )
            for index in 0..<max(0, Int(count)) {
                let entry = unsafe ready[index]
                body(Event(token: entry.token, readiness: Readiness(rawValue: entry.events)))
            }
        }
    }
}
