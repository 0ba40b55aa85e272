/// Collects messages as frames, so that everything of one engine step leaves in one write.
package struct FrameWriter: Sendable {
    /// The frames collected since the last ``take()``.
    package private(set) var bytes: [UInt8] = []
    private let limits: FrameLimits

    /// Makes an empty writer.
    package init(limits: FrameLimits = .default) {
        self.limits = limits
    }

    /// Appends one message as one frame.
    ///
    /// - Throws: `frameTooLarge`; the collected bytes are then as before.
    package mutating func append(_ message: some FramedMessage) throws(WorkerProtocolError) {
        let start = bytes.count
        bytes.append(contentsOf: [0, 0, 0, 0])
        message.serialize(into: &bytes)
        let byteCount = bytes.count - start - 4
        guard byteCount <= limits.maximumFrameByteCount else {
            bytes.removeSubrange(start...)
            throw .frameTooLarge(
                byteCount: byteCount,
                maximumByteCount: limits.maximumFrameByteCount
            )
        }
        for index in 0..<4 {
            bytes[start + index] = UInt8(truncatingIfNeeded: byteCount >> (8 * index))
        }
    }

    /// Hands over the collected frames and begins anew.
    package mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }
}
