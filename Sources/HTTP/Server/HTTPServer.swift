import Glibc
package import Platform
import Synchronization

/// Serves HTTP/1.1 on any number of listening sockets with one I/O thread.
///
/// Safe from any thread. Handlers run as tasks; see `HTTPRequestHandler`.
package final class HTTPServer: Sendable {
    private enum State {
        case idle
        case running(DedicatedThread)
        case stopped
    }

    private let configuration: HTTPServerConfiguration
    private let handler: any HTTPRequestHandler
    private let listeners: [ListeningSocket]
    private let poller: Poller
    private let mailbox: LoopMailbox
    private let settings = ResponseSettings()
    private let state = Mutex(State.idle)

    /// Opens the listening sockets: from here on clients can connect, and wait until `start`.
    ///
    /// An address that an inherited socket listens on is not opened again.
    ///
    /// - Throws: `SystemError` with the address as path, such as EADDRINUSE or EACCES.
    package init(
        configuration: HTTPServerConfiguration,
        handler: any HTTPRequestHandler
    ) throws(SystemError) {
        self.configuration = configuration
        self.handler = handler
        poller = try Poller()
        mailbox = try LoopMailbox()
        let inherited = configuration.inheritedDescriptors.compactMap(StreamSocket.localAddress)
        var listeners: [ListeningSocket] = []
        for listen in configuration.listen {
            listeners += try Self.open(
                listen,
                except: inherited,
                unixMode: configuration.unixSocketMode
            )
        }
        // Taken last: who is told that one of the others cannot be opened still has them.
        for descriptor in configuration.inheritedDescriptors {
            listeners.append(try ListeningSocket(inherited: descriptor))
        }
        self.listeners = listeners
    }

    /// Opens the sockets of one address that are not there.
    ///
    /// `localhost` gives one per family that the machine has.
    private static func open(
        _ listen: ListenAddress,
        except present: [SocketAddress],
        unixMode: UInt32
    ) throws(SystemError) -> [ListeningSocket] {
        var listeners: [ListeningSocket] = []
        var failure: SystemError?
        let addresses = listen.socketAddresses.filter { !present.contains($0) }
        for address in addresses {
            do throws(SystemError) {
                listeners.append(try ListeningSocket(address: address, unixMode: unixMode))
            } catch {
                // A machine without IPv6 has no ::1; that must not keep 127.0.0.1 from serving.
                guard case .localhost = listen, error.isMissingAddress else { throw error }
                failure = error
            }
        }
        if listeners.isEmpty, addresses == listen.socketAddresses, let failure { throw failure }
        return listeners
    }

    /// The addresses of the listening sockets with their real ports.
    ///
    /// In the order of the configuration (`localhost` gives two), inherited ones last.
    package var addresses: [SocketAddress] { listeners.map(\.address) }

    /// The descriptor of the socket that listens on an address, until `stop`.
    ///
    /// Borrowed.
    package func descriptor(of address: SocketAddress) -> Int32? {
        listeners.first { $0.address == address }?.number
    }

    /// The limits that the server keeps.
    package var limits: HTTPLimits { configuration.limits }

    /// Begins to accept and serve.
    ///
    /// Once only: a second call is a broken invariant.
    /// - Throws: EAGAIN when the system has no thread left.
    package func start() throws(SystemError) {
        let thread = try DedicatedThread(name: "torii-http") {
            [poller, mailbox, settings, handler, listeners, configuration] in
            let loop = ServerLoop(
                poller: poller,
                mailbox: mailbox,
                settings: settings,
                limits: configuration.limits,
                counter: configuration.connections,
                handler: handler,
                listeners: listeners
            )
            loop.run()
        }
        state.withLock { state in
            guard case .idle = state else { preconditionFailure("a server starts once") }
            state = .running(thread)
        }
    }

    /// Accepts no more, closes idle connections and lets running requests finish.
    ///
    /// Returns when all connections are gone or `deadline` has passed; in that case the rest is
    /// cancelled and closed. Answers carry `Connection: close` from now on.
    package func drain(deadline: Duration) async {
        guard isRunning else { return }
        let end = MonotonicInstant.now().advanced(by: deadline)
        await withCheckedContinuation { continuation in
            if !mailbox.post(.drain(end, continuation)) { continuation.resume() }
        }
    }

    /// Returns once the I/O loop has run a turn after the call, as proof that it lives.
    ///
    /// Returns at once when the server does not run.
    package func turn() async {
        guard isRunning else { return }
        await withCheckedContinuation { continuation in
            if !mailbox.post(.turn(continuation)) { continuation.resume() }
        }
    }

    private var isRunning: Bool {
        state.withLock { state in
            if case .running = state { true } else { false }
        }
    }

    /// Cancels everything that runs, closes every connection and socket, and ends the I/O thread.
    ///
    /// Waits for that thread, not for handlers. Can be called more than once, and without `start`.
    package func stop() {
        let previous = state.withLock { state in
            defer { state = .stopped }
            return state
        }
        switch previous {
        case .idle:
            for listener in listeners { listener.close() }
        case .running(let thread):
            mailbox.post(.stop)
            thread.join()
        case .stopped: break
        }
    }

    deinit { stop() }
}

extension SystemError {
    /// Whether the machine does not have the address or its family at all.
    fileprivate var isMissingAddress: Bool {
        code == EAFNOSUPPORT || code == EADDRNOTAVAIL
    }
}
