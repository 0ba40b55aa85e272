import Synchronization

/// What the answers of one server share.
final class ResponseSettings: Sendable {
    let date = DateText()
    let requestIDs = RequestIDs()
    /// Set when the server drains: answers from then on close their connections.
    let isDraining = Atomic<Bool>(false)
}

/// One answer on its way to a connection.
///
/// Safe from any thread; used by one handler at a time.
final class ResponseExchange: HTTPResponseSink {
    private enum State {
        case unanswered
        case streaming(ResponseHead.Framing)
        case finished
    }

    private let output: OutboundBuffer
    private let mailbox: LoopMailbox
    private let settings: ResponseSettings
    private let token: UInt64
    private let requestID: String
    private let isHead: Bool
    private let isHTTP10: Bool
    private let allowsKeepAlive: Bool
    private let state = Mutex(State.unanswered)

    /// - Parameters:
    ///   - output: The connection's outgoing bytes.
    ///   - mailbox: Where the connection's loop is told.
    ///   - settings: Shared by all answers of the server.
    ///   - token: The connection's.
    ///   - requestID: Goes into the answer.
    ///   - head: The request's head; `nil` for a request that could not be parsed.
    ///   - allowsKeepAlive: Whether the connection can be used again after the answer.
    init(
        output: OutboundBuffer,
        mailbox: LoopMailbox,
        settings: ResponseSettings,
        token: UInt64,
        requestID: String,
        head: RequestHead?,
        allowsKeepAlive: Bool
    ) {
        self.output = output
        self.mailbox = mailbox
        self.settings = settings
        self.token = token
        self.requestID = requestID
        isHead = head?.method == .head
        isHTTP10 = head?.isHTTP10 ?? false
        self.allowsKeepAlive = allowsKeepAlive
    }

    func send(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        let isFirst = state.withLock { state in
            guard case .unanswered = state else { return false }
            state = .finished
            return true
        }
        guard isFirst else { return }
        let keepsAlive = keepsAlive(headers)
        let hasBody = ResponseHead.allowsBody(status: status)
        let framing = hasBody ? ResponseHead.Framing.length(body.count) : .none
        guard
            let head = head(status: status, headers: headers, framing, keepsAlive: keepsAlive)
        else {
            sendInternalError()
            return
        }
        transmit(isStream: false) { bytes in
            bytes += head
            if hasBody && !isHead { bytes += body }
        }
        mailbox.post(.finished(token: token, keepsAlive: keepsAlive))
    }

    func begin(status: Int, headers: HTTPHeaders) {
        let framing: ResponseHead.Framing =
            if !ResponseHead.allowsBody(status: status) {
                .none
            } else if isHTTP10 {
                .untilClose
            } else {
                .chunked
            }
        let isFirst = state.withLock { state in
            guard case .unanswered = state else { return false }
            state = .streaming(isHead ? .none : framing)
            return true
        }
        guard isFirst else { return }
        let keepsAlive = keepsAlive(headers) && framing != .untilClose
        guard
            let head = head(status: status, headers: headers, framing, keepsAlive: keepsAlive)
        else {
            state.withLock { $0 = .finished }
            sendInternalError()
            return
        }
        streamKeepsAlive.store(keepsAlive, ordering: .relaxed)
        transmit(isStream: false) { $0 += head }
    }

    /// Decided by `begin`, used by `finish`.
    private let streamKeepsAlive = Atomic<Bool>(false)

    func write(_ bytes: [UInt8]) async throws(HTTPDisconnected) {
        let framing: ResponseHead.Framing? = state.withLock { state in
            if case .streaming(let framing) = state { framing } else { nil }
        }
        guard let framing else { throw HTTPDisconnected() }
        if bytes.isEmpty || framing == .none { return }
        let outcome = transmit(isStream: true) { output in
            if framing == .chunked {
                output += String(bytes.count, radix: 16).utf8
                output += [0x0d, 0x0a]
                output += bytes
                output += [0x0d, 0x0a]
            } else {
                output += bytes
            }
        }
        switch outcome {
        case .sent, .waiting(_, isFull: false): return
        case .waiting(_, isFull: true):
            guard await output.waitForRoom() else { throw HTTPDisconnected() }
        case .gone: throw HTTPDisconnected()
        }
    }

    func finish() {
        let framing: ResponseHead.Framing? = state.withLock { state in
            guard case .streaming(let framing) = state else { return nil }
            state = .finished
            return framing
        }
        guard let framing else { return }
        if framing == .chunked { transmit(isStream: false) { $0 += "0\r\n\r\n".utf8 } }
        let keepsAlive = streamKeepsAlive.load(ordering: .relaxed)
        mailbox.post(.finished(token: token, keepsAlive: keepsAlive))
    }

    func responderEnded() {
        let isUnanswered = state.withLock { state in
            guard case .unanswered = state else { return false }
            state = .finished
            return true
        }
        if isUnanswered { sendInternalError() }
    }

    func writerEnded() {
        let isUnfinished = state.withLock { state in
            guard case .streaming = state else { return false }
            state = .finished
            return true
        }
        if isUnfinished { mailbox.post(.aborted(token: token)) }
    }

    private func keepsAlive(_ headers: HTTPHeaders) -> Bool {
        allowsKeepAlive && !settings.isDraining.load(ordering: .relaxed)
            && !headers.listMembers("Connection").contains("close")
    }

    private func head(
        status: Int,
        headers: HTTPHeaders,
        _ framing: ResponseHead.Framing,
        keepsAlive: Bool
    ) -> [UInt8]? {
        ResponseHead.serialize(
            status: status,
            headers: headers,
            framing: framing,
            keepsAlive: keepsAlive,
            isHTTP10: isHTTP10,
            requestID: requestID,
            date: settings.date.current()
        )
    }

    @discardableResult
    private func transmit(
        isStream: Bool,
        _ fill: (inout [UInt8]) -> Void
    ) -> OutboundBuffer.Outcome {
        let outcome = output.send(isStream: isStream, fill)
        if case .waiting(mustArm: true, _) = outcome { mailbox.post(.stalled(token: token)) }
        return outcome
    }

    /// The answer when the handler has none, or one that cannot be sent.
    private func sendInternalError() {
        let body = ErrorEnvelope.serialize(
            status: 500,
            message: "The server failed to answer this request.",
            code: "internal_error"
        )
        let head = head(
            status: 500,
            headers: ErrorEnvelope.headers,
            .length(body.count),
            keepsAlive: false
        )
        transmit(isStream: false) { bytes in
            bytes += head ?? []
            if !isHead { bytes += body }
        }
        mailbox.post(.finished(token: token, keepsAlive: false))
    }
}
