import Platform

/// The life of one server connection, without the socket: events in, actions out, time a parameter.
///
/// | phase | bytes go to | leaves on |
/// | --- | --- | --- |
/// | reading | parser | head → admission; error or deadline → answering; peer closed → closed |
/// | admission | read-ahead | admitted → reading the body; answered unread → answering |
/// | answering | read-ahead | answer finished → flushing; answer aborted → closed |
/// | flushing | read-ahead | all sent → reading or lingering; closed if the peer has |
/// | lingering | nowhere | peer closed, deadline, or enough bytes → closed |
///
/// One request is answered at a time; what the client sends ahead waits, bounded, and is parsed when
/// the answer before it has been sent.
struct ConnectionStateMachine: Sendable {
    enum Action: Sendable, Hashable {
        /// Decide about this request, and report with `admitted` or `answeredUnread`.
        case admit(RequestHead)
        /// Send `100 Continue`.
        case sendContinue
        /// Start the handler on the request admitted last, which has this body.
        case dispatch(body: [UInt8])
        /// Answer with this error and `Connection: close`, and report with `answerFinished`.
        case reject(HTTPParseError)
        /// The client is gone: cancel the handler. Its answer may still be finished or aborted.
        case cancel
        /// Send FIN, so that the client sees the end while it may still be sending.
        case shutDownSending
        /// Close the socket; with a reset if the answer is to be seen as broken. Always last.
        case close(reset: Bool)
    }

    enum Phase: Sendable, Hashable {
        case reading, admission, answering, flushing, lingering, closed
    }

    private(set) var phase = Phase.reading
    private(set) var isPeerClosed = false
    private(set) var isDraining = false

    private let limits: HTTPLimits
    private var parser: RequestParser
    private var readAhead: [UInt8] = []
    private var lingerByteCount = 0
    /// The body of the request being answered, which its handler holds.
    private var dispatchedByteCount = 0
    /// Requests whose head has been read.
    private(set) var requestCount = 0
    private var head: RequestHead?
    /// Bytes of the current request were not read, or what follows cannot be trusted.
    private var isOutOfStep = false
    private var closesAfterAnswer = false

    // Deadlines
    private var phaseStart: MonotonicInstant
    private var isInsideHead = false
    private var lastByte: MonotonicInstant
    private var stalledSince: MonotonicInstant?

    init(limits: HTTPLimits, now: MonotonicInstant) {
        self.limits = limits
        parser = RequestParser(limits: limits)
        phaseStart = now
        lastByte = now
    }

    /// Whether the current answer may leave the connection open.
    var allowsKeepAlive: Bool {
        guard let head, head.keepsAlive else { return false }
        return !isDraining && !isPeerClosed && !isOutOfStep
            && requestCount < limits.maximumRequestsPerConnection
    }

    /// How many bytes may be read from the socket now; 0 stops reading.
    var readCapacity: Int {
        if isPeerClosed { return 0 }
        return switch phase {
        case .reading, .lingering: .max
        case .admission, .answering, .flushing:
            max(0, limits.maximumPipelinedByteCount - readAhead.count)
        case .closed: 0
        }
    }

    /// How much of what the client has sent is in memory for requests that are not answered.
    var heldByteCount: Int { parser.bodyByteCount + readAhead.count + dispatchedByteCount }

    // MARK: Events

    /// Bytes have come in; not more than `readCapacity`.
    mutating func received(_ bytes: borrowing Span<UInt8>, now: MonotonicInstant) -> [Action] {
        switch phase {
        case .reading:
            lastByte = now
            return parse(bytes, now: now)
        case .admission, .answering, .flushing:
            readAhead.append(bytes, 0..<bytes.count)
            return []
        case .lingering:
            lingerByteCount += bytes.count
            return lingerByteCount > limits.maximumLingerByteCount ? close(reset: false) : []
        case .closed:
            return []
        }
    }

    /// The request of the last `admit` is to be read and handled.
    mutating func admitted(maximumBodyByteCount: Int?, now: MonotonicInstant) -> [Action] {
        precondition(phase == .admission, "only a request that waits for it is admitted")
        if let maximumBodyByteCount {
            parser.maximumBodyByteCount = min(maximumBodyByteCount, limits.maximumBodyByteCount)
        }
        phase = .reading
        phaseStart = now
        lastByte = now
        let hasBody = head?.framing.hasBody ?? false
        if case .length(let count)? = head?.framing, count > parser.maximumBodyByteCount {
            return reject(.bodyTooLong(maximumByteCount: parser.maximumBodyByteCount), now: now)
        }
        // RFC 9110 §10.1.1: no need of 100 when the body has begun to come.
        let mustContinue = (head?.expectsContinue ?? false) && hasBody && readAhead.isEmpty
        return (mustContinue ? [.sendContinue] : []) + parseReadAhead(now: now)
    }

    /// The request of the last `admit` is answered without reading its body.
    mutating func answeredUnread() {
        precondition(phase == .admission, "only a request that waits for it is answered so")
        isOutOfStep = head?.framing.hasBody ?? false
        parser = RequestParser(limits: limits)
        phase = .answering
    }

    /// The connection was accepted only to be told that there are too many: what the client sends
    /// is not read, and the answer, which is reported as any other, is the last.
    mutating func overloaded() {
        precondition(requestCount == 0 && phase == .reading, "only a new connection is turned away")
        isOutOfStep = true
        phase = .answering
    }

    /// All connections together hold too much: a request that is not complete is given up.
    mutating func memoryExhausted(now: MonotonicInstant) -> [Action] {
        phase == .reading && head != nil ? reject(.tooMuchHeld, now: now) : []
    }

    /// The answer is complete; `isFlushed` tells whether the socket has taken all of it.
    mutating func answerFinished(
        keepsAlive: Bool,
        isFlushed: Bool,
        now: MonotonicInstant
    ) -> [Action] {
        guard phase == .answering else { return [] }
        closesAfterAnswer = !keepsAlive
        dispatchedByteCount = 0
        phase = .flushing
        if isFlushed { return flushed(now: now) }
        if stalledSince == nil { stalledSince = now }
        return []
    }

    /// The answer was given up half-way.
    mutating func answerAborted() -> [Action] {
        guard phase == .answering else { return [] }
        // A client of HTTP/1.0 takes the end of the connection for the end of the body.
        return close(reset: head?.isHTTP10 ?? false)
    }

    /// The socket would not take more.
    mutating func sendingStalled(now: MonotonicInstant) {
        if stalledSince == nil { stalledSince = now }
    }

    /// The socket took some of what was waiting, and all of it if `isFlushed`.
    mutating func sendingProgressed(isFlushed: Bool, now: MonotonicInstant) -> [Action] {
        stalledSince = isFlushed ? nil : now
        return isFlushed && phase == .flushing ? flushed(now: now) : []
    }

    /// The peer has sent FIN: it will send no more and, as clients go, has hung up.
    mutating func peerClosed(now: MonotonicInstant) -> [Action] {
        guard !isPeerClosed else { return [] }
        isPeerClosed = true
        switch phase {
        case .reading, .admission, .lingering: return close(reset: false)
        case .answering: return [.cancel]
        case .flushing, .closed: return []
        }
    }

    /// The connection is broken, or both sides are closed.
    mutating func connectionLost() -> [Action] {
        close(reset: true)
    }

    /// The server stops: no further request, and an idle connection closes at once.
    ///
    /// But a new connection's first request may be on its way already: it has a moment to arrive.
    mutating func drain(now: MonotonicInstant) -> [Action] {
        isDraining = true
        guard phase == .reading, !isInsideHead, head == nil else { return [] }
        guard requestCount == 0 else { return close(reset: false) }
        phaseStart = now
        return []
    }

    // MARK: Time

    /// When `timerFired` is to be called, if nothing happens before.
    var deadline: MonotonicInstant? {
        switch phase {
        case .reading:
            if head != nil { return bodyDeadline }
            if isInsideHead { return phaseStart.advanced(by: limits.headTimeout) }
            guard requestCount == 0 else {
                return phaseStart.advanced(by: limits.keepAliveTimeout)
            }
            return phaseStart.advanced(
                by: isDraining ? limits.drainGrace : limits.firstByteTimeout
            )
        case .admission: return nil
        case .answering, .flushing:
            return stalledSince?.advanced(by: limits.writeStallTimeout)
        case .lingering: return phaseStart.advanced(by: limits.lingerTimeout)
        case .closed: return nil
        }
    }

    /// The earlier of two: too long without a byte, or too slow on average.
    private var bodyDeadline: MonotonicInstant {
        let silent = lastByte.advanced(by: limits.bodyProgressTimeout)
        let rate = max(1, limits.minimumBodyBytesPerSecond)
        let earned = Duration.nanoseconds(Int64(parser.bodyByteCount) * 1_000_000_000 / Int64(rate))
        return min(silent, phaseStart.advanced(by: max(limits.bodyRateGrace, earned)))
    }

    /// Time has passed; does nothing before `deadline`.
    mutating func timerFired(now: MonotonicInstant) -> [Action] {
        guard let deadline, now >= deadline else { return [] }
        switch phase {
        case .reading:
            if head != nil { return reject(.bodyTimedOut, now: now) }
            return isInsideHead ? reject(.headTimedOut, now: now) : close(reset: false)
        case .answering, .flushing: return close(reset: true)
        case .lingering: return close(reset: false)
        case .admission, .closed: return []
        }
    }
}

// MARK: - Transitions

extension ConnectionStateMachine {
    private mutating func parseReadAhead(now: MonotonicInstant) -> [Action] {
        let bytes = readAhead
        readAhead = []
        return parse(bytes.span, now: now)
    }

    private mutating func parse(
        _ bytes: borrowing Span<UInt8>,
        now: MonotonicInstant
    ) -> [Action] {
        var index = 0
        do throws(HTTPParseError) {
            guard let event = try parser.next(bytes, from: &index) else {
                if head == nil, !isInsideHead, !parser.isBetweenRequests {
                    isInsideHead = true
                    phaseStart = now
                }
                return []
            }
            readAhead.append(bytes, index..<bytes.count)
            isInsideHead = false
            switch event {
            case .head(let head):
                requestCount += 1
                self.head = head
                phase = .admission
                return [.admit(head)]
            case .body(let body):
                phase = .answering
                dispatchedByteCount = body.count
                return [.dispatch(body: body)]
            }
        } catch {
            return reject(error, now: now)
        }
    }

    private mutating func reject(_ error: HTTPParseError, now: MonotonicInstant) -> [Action] {
        isOutOfStep = true
        isInsideHead = false
        readAhead = []
        parser = RequestParser(limits: limits)
        phase = .answering
        return [.reject(error)]
    }

    private mutating func flushed(now: MonotonicInstant) -> [Action] {
        stalledSince = nil
        phaseStart = now
        if closesAfterAnswer || isDraining || isPeerClosed {
            guard !isPeerClosed else { return close(reset: false) }
            // Bytes that nobody reads would turn the close into a reset, which can destroy the
            // answer on its way (RFC 9112 §9.6); they may be on their way still.
            phase = .lingering
            readAhead = []
            return [.shutDownSending]
        }
        phase = .reading
        head = nil
        lastByte = now
        return readAhead.isEmpty ? [] : parseReadAhead(now: now)
    }

    private mutating func close(reset: Bool) -> [Action] {
        guard phase != .closed else { return [] }
        let cancels = phase == .answering && !isPeerClosed
        phase = .closed
        readAhead = []
        return cancels ? [.cancel, .close(reset: reset)] : [.close(reset: reset)]
    }
}
