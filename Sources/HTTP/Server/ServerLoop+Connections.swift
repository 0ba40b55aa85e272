import Glibc
import Platform
import Synchronization

/// Accepting, watching and closing.
extension ServerLoop {
    /// The most connections that are taken from one listener before others get their turn.
    private static let acceptBatchCount = 64

    /// How long a listener rests after accepting has failed.
    private static let listenerRest = Duration.milliseconds(100)

    // MARK: Listeners

    func openSpareDescriptor() {
        // Safety: the path is passed as a NUL-terminated copy.
        spareDescriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    func watchListeners() {
        watch(mailbox.descriptor)
        for listener in listeners {
            if let number = listener.number { watch(number) }
        }
    }

    private func watch(_ descriptor: Int32) {
        do throws(SystemError) {
            let token = Connection.token(registration: 0, descriptor: descriptor)
            try poller.add(descriptor, for: .readable, token: token)
        } catch {
            // Epoll refuses only for want of kernel memory; the server cannot do without these.
            preconditionFailure("cannot watch a listening socket: \(error)")
        }
    }

    func accept(from listener: Int, now: MonotonicInstant) {
        for _ in 0..<Self.acceptBatchCount {
            switch listeners[listener].accept() {
            case .accepted(let descriptor, let peer):
                register(descriptor.release(), peer: peer, listener: listener, now: now)
            case .none:
                return
            case .retry:
                continue
            case .outOfDescriptors:
                refuseWithSpareDescriptor(listeners[listener])
                rest(now: now)
                return
            case .failed:
                rest(now: now)
                return
            }
        }
    }

    /// Without a free descriptor a connection cannot even be refused, and epoll would report it for
    /// ever: give up the spare one for the moment that takes.
    private func refuseWithSpareDescriptor(_ listener: ListeningSocket) {
        if spareDescriptor >= 0 { _ = Glibc.close(spareDescriptor) }
        if case .accepted(let descriptor, _) = listener.accept() {
            var bytes = Array("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n".utf8)
            bytes += "Connection: close\r\nContent-Length: 0\r\n\r\n".utf8
            _ = StreamSocket.send(descriptor.rawValue, bytes.span)
            StreamSocket.shutDownSending(descriptor.rawValue)
        }
        openSpareDescriptor()
    }

    /// Lets the listeners be for a moment, so that a failure that lasts does not burn CPU.
    private func rest(now: MonotonicInstant) {
        listenersMutedUntil = now.advanced(by: Self.listenerRest)
        setListenerInterest([])
    }

    private func setListenerInterest(_ interest: Readiness) {
        for listener in listeners {
            if let number = listener.number {
                let token = Connection.token(registration: 0, descriptor: number)
                poller.modify(number, for: interest, token: token)
            }
        }
    }

    // MARK: Connections

    /// The connection that the token was given to, if it still lives.
    func connection(_ token: UInt64) -> Connection? {
        let index = Connection.descriptor(of: token)
        guard index < connections.count, let connection = connections[index],
            connection.token == token
        else { return nil }
        return connection
    }

    private func register(
        _ descriptor: Int32,
        peer: SocketAddress,
        listener: Int,
        now: MonotonicInstant
    ) {
        let origin = peer.origin
        let decision = census.decide(listener: listener, origin: origin)
        guard decision != .drop else {
            _ = Glibc.close(descriptor)
            return
        }
        StreamSocket.configureConnection(
            descriptor,
            sendBufferByteCount: limits.socketSendBufferByteCount
        )
        lastRegistration = lastRegistration == .max ? 1 : lastRegistration + 1
        let address = listeners[listener].address
        let local = address.isWildcard ? StreamSocket.localAddress(descriptor) : nil
        let connection = Connection(
            descriptor: descriptor,
            registration: lastRegistration,
            peer: peer,
            local: local ?? address,
            listener: listener,
            isRefused: decision == .refuse,
            limits: limits,
            now: now
        )
        do throws(SystemError) {
            try poller.add(descriptor, for: connection.interest, token: connection.token)
        } catch {
            _ = Glibc.close(descriptor)
            census.closed(
                listener: listener,
                origin: origin,
                wasRefused: connection.isRefused
            )
            return
        }
        let index = Int(descriptor)
        while connections.count <= index { connections.append(nil) }
        connections[index] = connection
        counter.opened()
        if connection.isRefused {
            connection.machine.overloaded()
            refuse(
                connection,
                status: 503,
                message: "The server has too many connections. Try again in a moment.",
                code: "overloaded"
            )
        }
        settle(connection)
    }

    /// Brings what epoll watches and the deadline queue in line with the connection's state.
    func settle(_ connection: Connection) {
        guard connection.machine.phase != .closed else { return }
        count(connection.machine.heldByteCount, heldBy: connection)
        let wanted = connection.wantedInterest
        if wanted != connection.interest {
            connection.interest = wanted
            poller.modify(connection.descriptor, for: wanted, token: connection.token)
        }
        guard let deadline = connection.machine.deadline else { return }
        // An entry that comes earlier than needed is looked at again when it is due.
        if let scheduled = connection.scheduledDeadline, scheduled <= deadline { return }
        connection.scheduledDeadline = deadline
        deadlines.push(DeadlineQueue.Entry(deadline: deadline, token: connection.token))
        if deadlines.count > 4 * census.openCount + 1024 {
            deadlines.removeAll { self.connection($0.token)?.scheduledDeadline != $0.deadline }
        }
    }

    private func count(_ byteCount: Int, heldBy connection: Connection) {
        heldByteCount += byteCount - connection.heldByteCount
        connection.heldByteCount = byteCount
    }

    /// Gives up the request that a connection is still reading, if everything together is too much.
    func boundMemory(_ connection: Connection, now: MonotonicInstant) {
        guard connection.machine.phase != .closed else { return }
        count(connection.machine.heldByteCount, heldBy: connection)
        guard heldByteCount > limits.maximumHeldByteCount else { return }
        perform(connection.machine.memoryExhausted(now: now), on: connection, now: now)
    }

    func close(_ connection: Connection, reset: Bool) {
        count(0, heldBy: connection)
        connection.output.close()
        if reset { StreamSocket.resetOnClose(connection.descriptor) }
        _ = Glibc.close(connection.descriptor)
        connections[Int(connection.descriptor)] = nil
        census.closed(
            listener: connection.listener,
            origin: connection.peer.origin,
            wasRefused: connection.isRefused
        )
        counter.closed()
        if census.openCount == 0 { endDraining() }
    }

    // MARK: Time

    func fireDeadlines(now: MonotonicInstant) {
        while let entry = deadlines.popDue(now: now) {
            guard let connection = connection(entry.token),
                connection.scheduledDeadline == entry.deadline
            else { continue }
            connection.scheduledDeadline = nil
            perform(connection.machine.timerFired(now: now), on: connection, now: now)
            settle(connection)
        }
        if let muted = listenersMutedUntil, muted <= now {
            listenersMutedUntil = nil
            setListenerInterest(.readable)
        }
        if let deadline = drainDeadline, deadline <= now {
            closeAll(now: now)
            endDraining()
        }
    }

    // MARK: End

    func beginDraining(until deadline: MonotonicInstant, waiter: CheckedContinuation<Void, Never>) {
        drainWaiters.append(waiter)
        drainDeadline = min(drainDeadline ?? deadline, deadline)
        settings.isDraining.store(true, ordering: .relaxed)
        closeListeners()
        let now = MonotonicInstant.now()
        for connection in connections.compactMap({ $0 }) {
            perform(connection.machine.drain(now: now), on: connection, now: now)
            settle(connection)
        }
        if census.openCount == 0 { endDraining() }
    }

    private func endDraining() {
        guard !drainWaiters.isEmpty else { return }
        drainDeadline = nil
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func closeListeners() {
        listenersMutedUntil = nil
        for listener in listeners {
            if let number = listener.number { poller.remove(number) }
            listener.close()
        }
    }

    private func closeAll(now: MonotonicInstant) {
        for connection in connections.compactMap({ $0 }) {
            perform(connection.machine.connectionLost(), on: connection, now: now)
        }
    }

    /// The loop's end: nothing is open and nobody waits afterwards.
    func shutDown() {
        closeListeners()
        closeAll(now: .now())
        if spareDescriptor >= 0 { _ = Glibc.close(spareDescriptor) }
        endDraining()
        for message in mailbox.close() {
            switch message {
            case .drain(_, let waiter), .turn(let waiter): waiter.resume()
            case .finished, .aborted, .stalled, .stop: break
            }
        }
    }
}
