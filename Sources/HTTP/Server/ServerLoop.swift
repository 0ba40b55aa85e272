import Platform

/// The I/O loop: accepts, reads, parses, watches for clients that hang up, keeps the deadlines, and
/// sends on what sockets did not take at once.
///
/// Confined to its thread. It runs no handler and never blocks but in `Poller.wait`; with nothing
/// to do it sleeps without end.
final class ServerLoop {
    let poller: Poller
    let mailbox: LoopMailbox
    let settings: ResponseSettings
    let limits: HTTPLimits
    let counter: ConnectionCounter
    let handler: any HTTPRequestHandler
    let listeners: [ListeningSocket]

    /// The connections by descriptor.
    var connections: [Connection?] = []
    var census: ConnectionCensus
    /// What all connections hold.
    var heldByteCount = 0
    var deadlines = DeadlineQueue()
    var lastRegistration: UInt32 = 0
    /// Kept so that there is one to give up when descriptors run out.
    var spareDescriptor: Int32 = -1
    var drainDeadline: MonotonicInstant?
    var drainWaiters: [CheckedContinuation<Void, Never>] = []
    /// When listeners that failed are tried again.
    var listenersMutedUntil: MonotonicInstant?

    private var isStopping = false
    private var scratch = [UInt8](repeating: 0, count: 64 << 10)

    init(
        poller: Poller,
        mailbox: LoopMailbox,
        settings: ResponseSettings,
        limits: HTTPLimits,
        counter: ConnectionCounter,
        handler: any HTTPRequestHandler,
        listeners: [ListeningSocket]
    ) {
        self.poller = poller
        self.mailbox = mailbox
        self.settings = settings
        self.limits = limits
        self.counter = counter
        self.handler = handler
        self.listeners = listeners
        census = ConnectionCensus(limits: limits, listenerCount: listeners.count)
    }

    /// Serves until told to stop; then everything is closed.
    func run() {
        openSpareDescriptor()
        watchListeners()
        while !isStopping {
            poller.wait(until: mailbox.mayLoopSleep() ? nextDeadline : .now()) { event in
                mailbox.loopIsAwake()
                handle(event, now: .now())
            }
            let now = MonotonicInstant.now()
            for message in mailbox.take() { handle(message, now: now) }
            fireDeadlines(now: now)
        }
        shutDown()
    }

    private var nextDeadline: MonotonicInstant? {
        let times = [deadlines.first?.deadline, drainDeadline, listenersMutedUntil]
        return times.compactMap { $0 }.min()
    }

    // MARK: Events

    private func handle(_ event: Poller.Event, now: MonotonicInstant) {
        // Registration 0 belongs to the listeners and the mailbox.
        if event.token >> 32 == 0 {
            let descriptor = Int32(truncatingIfNeeded: event.token)
            if descriptor == mailbox.descriptor { return mailbox.acknowledge() }
            if let listener = listeners.firstIndex(where: { $0.number == descriptor }) {
                accept(from: listener, now: now)
            }
            return
        }
        guard let connection = connection(event.token) else { return }
        if !event.readiness.isDisjoint(with: .lost) {
            perform(connection.machine.connectionLost(), on: connection, now: now)
            return
        }
        if event.readiness.contains(.writable) { sendWaiting(connection, now: now) }
        if event.readiness.contains(.readable), connection.machine.readCapacity > 0 {
            read(connection, now: now)
        }
        // While a request is read, what came before the FIN is read first: `read` finds the end.
        let isReading =
            connection.machine.phase == .reading || connection.machine.phase == .lingering
        if event.readiness.contains(.peerClosed), !isReading {
            perform(connection.machine.peerClosed(now: now), on: connection, now: now)
        }
        settle(connection)
    }

    private func read(_ connection: Connection, now: MonotonicInstant) {
        let transfer = StreamSocket.receive(
            connection.descriptor,
            into: &scratch,
            limit: connection.machine.readCapacity
        )
        switch transfer {
        case .transferred(0):
            perform(connection.machine.peerClosed(now: now), on: connection, now: now)
        case .transferred(let count):
            // A second reference to the array for the length of the call, no copy of its bytes.
            let received = scratch
            let bytes = received.span.extracting(0..<count)
            perform(connection.machine.received(bytes, now: now), on: connection, now: now)
            boundMemory(connection, now: now)
        case .wouldBlock: break
        case .failed:
            perform(connection.machine.connectionLost(), on: connection, now: now)
        }
    }

    private func sendWaiting(_ connection: Connection, now: MonotonicInstant) {
        let isFlushed = connection.output.sendWaiting()
        connection.isSendingStalled = !isFlushed
        let actions = connection.machine.sendingProgressed(isFlushed: isFlushed, now: now)
        perform(actions, on: connection, now: now)
    }

    // MARK: Messages

    private func handle(_ message: LoopMailbox.Message, now: MonotonicInstant) {
        switch message {
        case .finished(let token, let keepsAlive):
            guard let connection = connection(token) else { return }
            finish(connection, keepsAlive: keepsAlive, now: now)
            settle(connection)
        case .aborted(let token):
            guard let connection = connection(token) else { return }
            perform(connection.machine.answerAborted(), on: connection, now: now)
        case .stalled(let token):
            guard let connection = connection(token) else { return }
            connection.isSendingStalled = true
            connection.machine.sendingStalled(now: now)
            settle(connection)
        case .drain(let deadline, let waiter):
            beginDraining(until: deadline, waiter: waiter)
        case .turn(let waiter):
            waiter.resume()
        case .stop:
            isStopping = true
        }
    }

    private func finish(_ connection: Connection, keepsAlive: Bool, now: MonotonicInstant) {
        connection.task = nil
        connection.exchange = nil
        let actions = connection.machine.answerFinished(
            keepsAlive: keepsAlive,
            isFlushed: connection.output.isFlushed,
            now: now
        )
        perform(actions, on: connection, now: now)
    }

    // MARK: Actions

    /// Does what the connection's state machine says, until it says nothing more.
    func perform(
        _ actions: [ConnectionStateMachine.Action],
        on connection: Connection,
        now: MonotonicInstant
    ) {
        for action in actions {
            switch action {
            case .admit(let head):
                perform(admit(head, on: connection, now: now), on: connection, now: now)
            case .sendContinue:
                let outcome = connection.output.send(isStream: false) { bytes in
                    bytes += ResponseHead.continueBytes
                }
                if case .waiting(mustArm: true, _) = outcome { connection.isSendingStalled = true }
            case .dispatch(let body):
                dispatch(body, on: connection)
            case .reject(let error):
                refuse(
                    connection,
                    status: error.status,
                    message: error.message,
                    code: error.code
                )
            case .cancel:
                // In this order: who learns that the client is gone finds that writing fails.
                connection.output.peerClosed()
                connection.task?.cancel()
            case .shutDownSending:
                StreamSocket.shutDownSending(connection.descriptor)
            case .close(let reset):
                close(connection, reset: reset)
            }
        }
    }

    private func admit(
        _ head: RequestHead,
        on connection: Connection,
        now: MonotonicInstant
    ) -> [ConnectionStateMachine.Action] {
        let request = HTTPRequest(
            head: head,
            id: settings.requestIDs.id(for: head.headers),
            peer: connection.peer,
            local: connection.local,
            arrival: now
        )
        switch handler.admit(request) {
        case .accept(let maximumBodyByteCount):
            connection.request = request
            connection.exchange = makeExchange(
                for: connection,
                requestID: request.id,
                head: head
            )
            return connection.machine.admitted(
                maximumBodyByteCount: maximumBodyByteCount,
                now: now
            )
        case .answer(let status, let headers, let body):
            connection.machine.answeredUnread()
            makeExchange(for: connection, requestID: request.id, head: head)
                .send(status: status, headers: headers, body: body)
            return []
        }
    }

    private func dispatch(_ body: [UInt8], on connection: Connection) {
        guard var request = connection.request, let exchange = connection.exchange else { return }
        connection.request = nil
        request.body = body
        connection.task = Task { [handler, request] in
            await handler.handle(request, respond: HTTPResponder(sink: exchange))
        }
    }

    private func makeExchange(
        for connection: Connection,
        requestID: String,
        head: RequestHead?
    ) -> ResponseExchange {
        ResponseExchange(
            output: connection.output,
            mailbox: mailbox,
            settings: settings,
            token: connection.token,
            requestID: requestID,
            head: head,
            allowsKeepAlive: connection.machine.allowsKeepAlive
        )
    }

    /// Answers for the server itself, and closes.
    func refuse(_ connection: Connection, status: Int, message: String, code: String) {
        let requestID = connection.request?.id ?? settings.requestIDs.next()
        connection.request = nil
        var headers = ErrorEnvelope.headers
        if status == 503 { headers.add("Retry-After", "1") }
        makeExchange(for: connection, requestID: requestID, head: nil).send(
            status: status,
            headers: headers,
            body: ErrorEnvelope.serialize(status: status, message: message, code: code)
        )
    }
}

extension HTTPRequest {
    /// A request whose body is still to come.
    fileprivate init(
        head: RequestHead,
        id: String,
        peer: SocketAddress,
        local: SocketAddress,
        arrival: MonotonicInstant
    ) {
        self.id = id
        method = head.method
        target = head.target.text
        path = head.target.path
        rawPath = head.target.rawPath
        query = head.target.query
        headers = head.headers
        body = []
        self.peer = peer
        self.local = local
        self.arrival = arrival
    }
}
