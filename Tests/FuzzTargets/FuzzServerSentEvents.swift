import HTTP

/// A stream of events: whole, and cut where the first byte says; the events are the same.
func fuzzServerSentEvents(_ bytes: [UInt8]) {
    let stream = Array(bytes.dropFirst())
    let cut = min(stream.count, Int(bytes.first ?? 0))
    var whole = SSEParser(maximumEventByteCount: 1 << 12)
    var pieces = SSEParser(maximumEventByteCount: 1 << 12)
    guard let expected = try? whole.append(stream) else { return }
    let first = (try? pieces.append(Array(stream[..<cut]))) ?? []
    let second = (try? pieces.append(Array(stream[cut...]))) ?? []
    precondition(first + second == expected, "a cut doesn't change the events")
}
