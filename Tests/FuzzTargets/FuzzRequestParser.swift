import HTTP

/// The bytes of a connection: whole, cut where the first byte says, and byte by byte; the requests
/// and the error are the same, and no limit is exceeded.
func fuzzRequestParser(_ bytes: [UInt8]) {
    var limits = HTTPLimits()
    limits.maximumRequestLineByteCount = 128
    limits.maximumHeadersByteCount = 512
    limits.maximumHeaderCount = 8
    limits.maximumBodyByteCount = 256
    limits.maximumChunkOverheadByteCount = 64
    limits.maximumTrailersByteCount = 64
    let stream = Array(bytes.dropFirst())
    let cut = min(stream.count, Int(bytes.first ?? 0))
    let whole = outcome(of: [stream], limits: limits)
    let halves = outcome(of: [Array(stream[..<cut]), Array(stream[cut...])], limits: limits)
    precondition(whole == halves, "a cut doesn't change the requests")
    let single = outcome(of: stream.map { [$0] }, limits: limits)
    precondition(whole == single, "no cut changes the requests")
    for event in whole.events {
        switch event {
        case .head(let head):
            precondition(head.headers.count <= limits.maximumHeaderCount, "headers are bounded")
            precondition(head.target.text.utf8.count <= 128, "targets are bounded")
        case .body(let body):
            precondition(body.count <= limits.maximumBodyByteCount, "bodies are bounded")
        }
    }
}

private struct ParserOutcome: Equatable {
    var events: [RequestParser.Event] = []
    var error: HTTPParseError?
}

private func outcome(of pieces: [[UInt8]], limits: HTTPLimits) -> ParserOutcome {
    var parser = RequestParser(limits: limits)
    var outcome = ParserOutcome()
    do throws(HTTPParseError) {
        for piece in pieces {
            var index = 0
            while let event = try parser.next(piece.span, from: &index) {
                outcome.events.append(event)
            }
        }
    } catch {
        outcome.error = error
    }
    return outcome
}
