/// Cuts a byte stream into messages, however the stream was cut on its way.
///
/// Bounded: it holds at most one frame of the largest allowed size plus what was last appended,
/// and never reserves memory for bytes that have only been announced. After an error the stream
/// has no trustworthy boundary any more, so every later call throws the same error.
package struct FrameReader<Message: FramedMessage>: Sendable {
    private var buffer: [UInt8] = []
    private var position = 0
    private var failure: WorkerProtocolError?
    private let limits: FrameLimits

    /// Makes a reader at the beginning of a stream.
    package init(limits: FrameLimits = .default) {
        self.limits = limits
    }

    /// Takes the next bytes of the stream, in any portions.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if position > 0, position * 2 >= buffer.count {
            buffer.removeSubrange(..<position)
            position = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message, or nil until more bytes are appended.
    package mutating func next() throws(WorkerProtocolError) -> Message? {
        if let failure { throw failure }
        do throws(WorkerProtocolError) {
            return try parseNext()
        } catch {
            failure = error
            buffer = []
            position = 0
            throw error
        }
    }

    /// Whether the stream may end here: no frame has begun.
    package var isAtBoundary: Bool { position == buffer.count && failure == nil }

    private mutating func parseNext() throws(WorkerProtocolError) -> Message? {
        guard buffer.count - position >= 4 else { return nil }
        var byteCount = 0
        for index in 0..<4 { byteCount |= Int(buffer[position + index]) << (8 * index) }
        guard byteCount <= limits.maximumFrameByteCount else {
            throw .frameTooLarge(
                byteCount: byteCount,
                maximumByteCount: limits.maximumFrameByteCount
            )
        }
        let start = position + 4
        guard buffer.count - start >= byteCount else { return nil }
        position = start + byteCount
        return try Message(parsing: Array(buffer[start..<position]))
    }
}
