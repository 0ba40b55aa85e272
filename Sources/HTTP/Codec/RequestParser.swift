/// Turns the bytes of a connection into requests, one after the other.
///
/// A pure value: the outcome depends on the bytes alone, not on how they are cut into pieces. After
/// an error it must not be used again.
package struct RequestParser: Sendable {
    /// What the bytes amount to.
    package enum Event: Sendable, Hashable {
        /// The head is complete; the body, if any, is read by the next calls.
        case head(RequestHead)
        /// The body is complete (empty if there was none) and with it the request.
        case body([UInt8])
    }

    private enum Phase {
        case requestLine
        case fields
        case bodyStart
        case bytes(remaining: Int)
        case chunks
    }

    private let limits: HTTPLimits
    private var phase = Phase.requestLine
    private var reader = LineReader()
    private var hasSkippedLine = false
    /// The head under way; set from the request line to the end of the head.
    private var head: RequestHead?
    private var headersByteCount = 0
    private var framing = RequestHead.Framing.none
    private var decoder: ChunkedDecoder
    private var body: [UInt8] = []

    /// The most bytes that the body of the current request may have; settable after its head.
    package var maximumBodyByteCount: Int

    /// A parser at the beginning of a connection.
    package init(limits: HTTPLimits) {
        self.limits = limits
        maximumBodyByteCount = limits.maximumBodyByteCount
        decoder = ChunkedDecoder(
            limits: limits,
            maximumBodyByteCount: limits.maximumBodyByteCount
        )
    }

    /// Whether nothing of a request has come in yet.
    var isBetweenRequests: Bool {
        if case .requestLine = phase { return reader.line.isEmpty && !hasSkippedLine }
        return false
    }

    /// How much of the current body has come in.
    var bodyByteCount: Int { body.count }

    /// Takes bytes from `input` at `index` up to the next event; `nil` when all are used up first.
    ///
    /// A request without a body needs no further input for its `body` event: call until `nil`.
    package mutating func next(
        _ input: borrowing Span<UInt8>,
        from index: inout Int
    ) throws(HTTPParseError) -> Event? {
        while true {
            switch phase {
            case .requestLine:
                let maximum = limits.maximumRequestLineByteCount
                let error = HTTPParseError.requestLineTooLong(maximumByteCount: maximum)
                guard
                    try reader.read(input, from: &index, maximumByteCount: maximum, tooLong: error)
                else { return nil }
                try endRequestLine()
            case .fields:
                let left = max(0, limits.maximumHeadersByteCount - headersByteCount - 2)
                let error = HTTPParseError.headersTooLong(
                    maximumByteCount: limits.maximumHeadersByteCount
                )
                guard try reader.read(input, from: &index, maximumByteCount: left, tooLong: error)
                else { return nil }
                if let complete = try endField() { return .head(complete) }
            case .bodyStart:
                try startBody()
            case .bytes(let remaining):
                let count = min(remaining, input.count - index)
                body.append(input, index..<(index + count))
                index += count
                if count == remaining { return endMessage() }
                phase = .bytes(remaining: remaining - count)
                return nil
            case .chunks:
                guard try decoder.decode(input, from: &index, into: &body) else { return nil }
                return endMessage()
            }
        }
    }

    private mutating func endRequestLine() throws(HTTPParseError) {
        if reader.line.isEmpty && !hasSkippedLine {
            // RFC 9112 §2.2: one empty line before a request is ignored.
            hasSkippedLine = true
            reader.reset()
            return
        }
        head = try RequestHead(requestLine: reader.line)
        headersByteCount = 0
        reader.reset()
        phase = .fields
    }

    /// Adds a field, or completes the head at the empty line.
    private mutating func endField() throws(HTTPParseError) -> RequestHead? {
        guard reader.line.isEmpty else {
            headersByteCount += reader.line.count + 2
            try head?.add(fieldLine: reader.line, limits: limits)
            reader.reset()
            return nil
        }
        try head?.complete(limits: limits)
        reader.reset()
        maximumBodyByteCount = limits.maximumBodyByteCount
        framing = head?.framing ?? .none
        phase = .bodyStart
        defer { head = nil }
        return head
    }

    private mutating func startBody() throws(HTTPParseError) {
        body = []
        switch framing {
        case .none:
            phase = .bytes(remaining: 0)
        case .length(let count):
            guard count <= maximumBodyByteCount else {
                throw .bodyTooLong(maximumByteCount: maximumBodyByteCount)
            }
            // A promise of bytes is not worth more memory than this until they come.
            body.reserveCapacity(min(count, 64 << 10))
            phase = .bytes(remaining: count)
        case .chunked:
            decoder = ChunkedDecoder(limits: limits, maximumBodyByteCount: maximumBodyByteCount)
            phase = .chunks
        }
    }

    private mutating func endMessage() -> Event {
        let complete = body
        body = []
        phase = .requestLine
        hasSkippedLine = false
        return .body(complete)
    }
}
