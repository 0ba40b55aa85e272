/// Bytes that wait for a worker's socket to take them, up to a limit.
struct OutboundQueue {
    private var bytes: [UInt8] = []
    private var position = 0
    private let maximumByteCount: Int

    init(maximumByteCount: Int) {
        self.maximumByteCount = maximumByteCount
    }

    var isEmpty: Bool { position == bytes.count }

    /// What is to be sent next.
    var unsent: ArraySlice<UInt8> { bytes[position...] }

    /// Adds a frame; false when the queue is too full for it.
    ///
    /// A frame larger than the limit still fits into an empty queue.
    mutating func append(_ frame: [UInt8]) -> Bool {
        guard isEmpty || unsent.count + frame.count <= maximumByteCount else { return false }
        if isEmpty {
            bytes = frame
            position = 0
        } else {
            bytes += frame
        }
        return true
    }

    /// The socket took this many of the unsent bytes.
    mutating func sent(_ count: Int) {
        precondition(count <= unsent.count, "no more is sent than there was")
        position += count
        if position == bytes.count {
            bytes = []
            position = 0
        } else if position > 1 << 20, position * 2 > bytes.count {
            bytes.removeSubrange(..<position)
            position = 0
        }
    }
}
