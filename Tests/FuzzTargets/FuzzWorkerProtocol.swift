import WorkerProtocol

/// Feeds arbitrary bytes to both frame readers, whole and cut at a place the bytes choose.
///
/// What parses must serialize to the same frame again after one round (the form is canonical
/// once parsed), and the cut must not change the outcome. Traps are the finding.
package func fuzzWorkerProtocol(_ bytes: [UInt8]) {
    fuzzFrames(bytes, of: WorkerMessage.self)
    fuzzFrames(bytes, of: GatewayMessage.self)
}

private func fuzzFrames<Message: FramedMessage>(_ bytes: [UInt8], of type: Message.Type) {
    let limits = FrameLimits(maximumFrameByteCount: 1 << 20)
    let whole = read([bytes], of: type, limits: limits)
    let cut = Int(bytes.first ?? 0) % (bytes.count + 1)
    let parts = read([Array(bytes[..<cut]), Array(bytes[cut...])], of: type, limits: limits)
    precondition(whole.frames == parts.frames, "a cut changed what was read")
    precondition(whole.failure == parts.failure, "a cut changed the error")
}

private func read<Message: FramedMessage>(
    _ parts: [[UInt8]],
    of type: Message.Type,
    limits: FrameLimits
) -> (frames: [[UInt8]], failure: WorkerProtocolError?) {
    var reader = FrameReader<Message>(limits: limits)
    var frames: [[UInt8]] = []
    do throws(WorkerProtocolError) {
        for part in parts {
            reader.append(part)
            while let message = try reader.next() {
                var once: [UInt8] = []
                message.serialize(into: &once)
                var twice: [UInt8] = []
                try Message(parsing: once).serialize(into: &twice)
                precondition(once == twice, "the serialized form is not stable")
                frames.append(once)
            }
        }
        return (frames, nil)
    } catch {
        return (frames, error)
    }
}
