import Glibc
import Platform
import Synchronization
import Testing

@testable import Daemon

@Suite struct LifecycleTests {
    @Test func `drains at the first SIGTERM and ends at once at the second`() {
        var state = LifecycleState()
        #expect(state.received(.tick) == .report)
        #expect(state.received(.signal(SIGTERM)) == .drain)
        #expect(state.received(.tick) == .extend)
        #expect(state.received(.signal(SIGHUP)) == LifecycleState.Action.none)
        #expect(state.received(.signal(SIGTERM)) == .end(code: 1))
    }

    @Test func `ends with code 0 once it has drained`() {
        var state = LifecycleState()
        #expect(state.received(.drained) == LifecycleState.Action.none)
        #expect(state.received(.signal(SIGINT)) == .drain)
        #expect(state.received(.drained) == .end(code: 0))
    }

    @Test func `reloads at SIGHUP`() {
        var state = LifecycleState()
        #expect(state.received(.signal(SIGHUP)) == .reload)
        #expect(state.received(.signal(SIGUSR1)) == LifecycleState.Action.none)
    }

    @Test func `speaks the protocol of sd_notify`() {
        final class Messages: Sendable { let list = Mutex<[String]>([]) }
        let messages = Messages()
        let notifier = SystemdNotifier { text in messages.list.withLock { $0.append(text) } }
        notifier.ready(status: "two\nlines")
        notifier.reloading(now: MonotonicInstant(nanoseconds: 5_000_999))
        notifier.stopping(status: "bye")
        notifier.extendTimeout(by: .seconds(2), status: "waiting")
        notifier.watchdog()
        notifier.keep([7], name: "a")
        notifier.keep([], name: "b")
        #expect(
            messages.list.withLock { $0 } == [
                "READY=1\nSTATUS=two lines", "RELOADING=1\nMONOTONIC_USEC=5000",
                "STOPPING=1\nSTATUS=bye", "EXTEND_TIMEOUT_USEC=2000000\nSTATUS=waiting",
                "WATCHDOG=1", "FDSTOREREMOVE=1\nFDNAME=a", "FDSTORE=1\nFDNAME=a",
                "FDSTOREREMOVE=1\nFDNAME=b",
            ]
        )
    }

    @Test func `passes few variables on to workers`() {
        let variables = [
            "PATH": "/bin", "TORII_API_KEY": "secret", "NOTIFY_SOCKET": "/run/x", "TZ": "UTC",
        ]
        #expect(
            DaemonConfiguration.workerVariables(from: variables)
                == ["TZ": "UTC", "SWIFT_BACKTRACE": "enable=no"]
        )
    }

    @Test func `advises about failed starts`() {
        let error = SystemError(call: "bind", code: EADDRINUSE, path: "127.0.0.1:1")
        #expect(StartAdvice.text(for: error).contains("--listen"))
    }
}
