import WorkerProtocol

/// A stream of frames in both directions: cut anywhere it gives the same messages, and a message
/// that was understood is written as it was read again.
func fuzzWorkerProtocol(_ bytes: [UInt8]) {
    let cut = min(bytes.count - 1, Int(bytes.first ?? 0))
    let stream = Array(bytes.dropFirst())
    check(GatewayMessage.self, stream, cut: max(cut, 0))
    check(WorkerMessage.self, stream, cut: max(cut, 0))
}

private func check<Message: FramedMessage>(_: Message.Type, _ stream: [UInt8], cut: Int) {
    var whole = FrameReader<Message>()
    whole.append(stream)
    let expected = frames(from: &whole)
    var pieces = FrameReader<Message>()
    pieces.append(stream[..<cut])
    var found = frames(from: &pieces)
    pieces.append(stream[cut...])
    found += frames(from: &pieces)
    precondition(found == expected, "a cut doesn't change the messages")
    for frame in expected {
        var written: [UInt8] = []
        guard let message = try? Message(parsing: frame) else {
            preconditionFailure("a written message can be read")
        }
        message.serialize(into: &written)
        precondition(written == frame, "a message is written the same again")
    }
}

/// The messages that can be read, each as it is written.
private func frames<Message: FramedMessage>(from reader: inout FrameReader<Message>) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while let message = try? reader.next() {
        var bytes: [UInt8] = []
        message.serialize(into: &bytes)
        frames.append(bytes)
    }
    return frames
}
