/// Turns the bytes of one answer into its parts, for the client.
///
/// A pure value.
struct ResponseParser: Sendable {
    enum Event: Sendable, Hashable {
        case head(status: Int, headers: HTTPHeaders)
        case bytes([UInt8])
        case end
    }

    private enum Phase { case statusLine, fields, bytes(remaining: Int), chunks, untilClose, ended }

    private let limits: HTTPLimits
    private let isHead: Bool
    private var phase = Phase.statusLine
    private var reader = LineReader()
    private var decoder: ChunkedDecoder
    private var status = 0
    private var headers: HTTPHeaders = [:]
    private var headersByteCount = 0

    /// A parser of the answer to one request; answers to HEAD have no body whatever they say.
    init(isHead: Bool) {
        var limits = HTTPLimits()
        // A stream of small events is what this client is for.
        limits.maximumChunkOverheadByteCount = .max
        self.limits = limits
        self.isHead = isHead
        decoder = ChunkedDecoder(limits: limits, maximumBodyByteCount: .max)
    }

    /// Takes bytes from `input` at `index` up to the next event; `nil` when all are used up first.
    mutating func next(
        _ input: borrowing Span<UInt8>,
        from index: inout Int
    ) throws(HTTPClientError) -> Event? {
        while true {
            switch phase {
            case .statusLine:
                guard try readLine(input, from: &index) else { return nil }
                try endStatusLine()
            case .fields:
                guard try readLine(input, from: &index) else { return nil }
                if let event = try endField() { return event }
            case .bytes(remaining: 0):
                phase = .ended
                return .end
            case .bytes(let remaining):
                let count = min(remaining, input.count - index)
                if count == 0 { return nil }
                phase = .bytes(remaining: remaining - count)
                return take(count, of: input, from: &index)
            case .chunks:
                return try decode(input, from: &index)
            case .untilClose:
                let count = input.count - index
                return count == 0 ? nil : take(count, of: input, from: &index)
            case .ended:
                return nil
            }
        }
    }

    /// The server has closed: returns whether the answer was complete.
    mutating func closed() -> Bool {
        switch phase {
        case .untilClose, .ended: true
        case .statusLine, .fields, .bytes, .chunks: false
        }
    }

    private func take(
        _ count: Int,
        of input: borrowing Span<UInt8>,
        from index: inout Int
    ) -> Event {
        var bytes: [UInt8] = []
        bytes.append(input, index..<(index + count))
        index += count
        return .bytes(bytes)
    }

    private mutating func decode(
        _ input: borrowing Span<UInt8>,
        from index: inout Int
    ) throws(HTTPClientError) -> Event? {
        var bytes: [UInt8] = []
        do throws(HTTPParseError) {
            let isComplete = try decoder.decode(input, from: &index, into: &bytes)
            if isComplete { phase = bytes.isEmpty ? .ended : .bytes(remaining: 0) }
            if bytes.isEmpty { return isComplete ? .end : nil }
            return .bytes(bytes)
        } catch {
            throw .malformedResponse(error.message)
        }
    }

    private mutating func readLine(
        _ input: borrowing Span<UInt8>,
        from index: inout Int
    ) throws(HTTPClientError) -> Bool {
        let maximum = limits.maximumHeadersByteCount
        do throws(HTTPParseError) {
            return try reader.read(
                input,
                from: &index,
                maximumByteCount: max(0, maximum - headersByteCount),
                tooLong: .headersTooLong(maximumByteCount: maximum)
            )
        } catch {
            throw .malformedResponse("a line of its head is too long or ends wrongly")
        }
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason]` (RFC 9112 §4).
    private mutating func endStatusLine() throws(HTTPClientError) {
        let line = reader.line
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[7].isDigit,
            line[8] == 0x20, line[9..<12].allSatisfy(\.isDigit),
            line.count == 12 || line[12] == 0x20
        else { throw .malformedResponse("its first line is no status line") }
        status = line[9..<12].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        headers = [:]
        headersByteCount = 0
        reader.reset()
        phase = .fields
    }

    private mutating func endField() throws(HTTPClientError) -> Event? {
        guard reader.line.isEmpty else {
            headersByteCount += reader.line.count + 2
            guard let field = try? FieldLine(parsing: reader.line) else {
                throw .malformedResponse("a header is malformed")
            }
            headers.add(field.name, field.value)
            reader.reset()
            return nil
        }
        reader.reset()
        if status < 200 {
            phase = .statusLine
            return nil
        }
        phase = try bodyPhase()
        return .head(status: status, headers: headers)
    }

    /// RFC 9112 §6.3.
    private func bodyPhase() throws(HTTPClientError) -> Phase {
        if isHead || !ResponseHead.allowsBody(status: status) { return .bytes(remaining: 0) }
        if let encoding = headers[first: "Transfer-Encoding"] {
            guard encoding.lowercased() == "chunked" else {
                throw .malformedResponse("its transfer encoding is not chunked")
            }
            return .chunks
        }
        guard let length = headers[first: "Content-Length"] else { return .untilClose }
        guard let count = Int(length), count >= 0 else {
            throw .malformedResponse("its Content-Length is no number")
        }
        return .bytes(remaining: count)
    }
}
