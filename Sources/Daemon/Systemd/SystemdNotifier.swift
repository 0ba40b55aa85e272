import CSystemd
package import Platform

/// Tells the service manager how the daemon is, by the protocol of sd_notify(3).
///
/// Without a service manager (`NOTIFY_SOCKET` unset) nothing is sent. Safe from any thread.
package struct SystemdNotifier: Sendable {
    /// Takes one message, lines `NAME=value`, and descriptors that go with it.
    private let deliver: @Sendable (String, [Int32]) -> Void

    private init(deliver: @escaping @Sendable (String, [Int32]) -> Void) {
        self.deliver = deliver
    }

    /// A notifier that hands every message to `send`, and drops descriptors.
    package init(send: @escaping @Sendable (String) -> Void) {
        self.init { text, _ in send(text) }
    }

    private func send(_ text: String) { deliver(text, []) }

    /// The service manager that started this process.
    ///
    /// A message that cannot be delivered is lost: the daemon must not depend on its manager.
    package static let system = SystemdNotifier { message, descriptors in
        // Safety: the string, as a NUL-terminated copy, and the array outlive the call.
        _ = unsafe sd_pid_notify_with_fds(
            0,
            0,
            message,
            descriptors,
            UInt32(descriptors.count)
        )
    }

    /// The daemon listens and its configuration is valid.
    package func ready(status: String) {
        send("READY=1\nSTATUS=\(Self.line(status))")
    }

    /// One line that `systemctl status` shows.
    package func status(_ text: String) {
        send("STATUS=\(Self.line(text))")
    }

    /// The daemon begins to stop.
    package func stopping(status: String) {
        send("STOPPING=1\nSTATUS=\(Self.line(status))")
    }

    /// The daemon reads its configuration again; `ready` ends it.
    ///
    /// Type=notify-reload of systemd 253 and later asks for the time (sd_notify(3)).
    package func reloading(now: MonotonicInstant) {
        send("RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)")
    }

    /// The present state change needs at least `duration` more.
    package func extendTimeout(by duration: Duration, status: String) {
        let microseconds = duration.wholeNanoseconds / 1000
        send("EXTEND_TIMEOUT_USEC=\(microseconds)\nSTATUS=\(Self.line(status))")
    }

    /// The daemon is alive.
    package func watchdog() {
        send("WATCHDOG=1")
    }

    /// Has the service manager keep these descriptors, and no others, for the daemon's next process.
    ///
    /// They come back under `name` as inherited ones (sd_pid_notify_with_fds(3)); a manager that keeps
    /// none for this service (`FileDescriptorStoreMax=`) drops them. Borrowed.
    package func keep(_ descriptors: [Int32], name: String) {
        send("FDSTOREREMOVE=1\nFDNAME=\(name)")
        if !descriptors.isEmpty { deliver("FDSTORE=1\nFDNAME=\(name)", descriptors) }
    }

    /// The daemon cannot start or go on.
    package func failed(status: String) {
        send("STATUS=\(Self.line(status))")
    }

    /// How long the service manager waits for a sign of life, or nil when it does not.
    package static func watchdogTimeout() -> Duration? {
        var microseconds: UInt64 = 0
        // Safety: `microseconds` outlives the call.
        guard unsafe sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// A status must not contain a line feed, which would begin another assignment.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
