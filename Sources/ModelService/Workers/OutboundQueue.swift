import Platform

/// Bytes that wait for a worker's socket to take them, up to a limit, and open files that go with them.
///
/// Files go with the next bytes that are sent, whichever those are: so they are there, in the order of
/// the messages that name them, before these messages are complete.
struct OutboundQueue {
    private var bytes: [UInt8] = []
    private var position = 0
    private var files: [OpenedFile] = []
    private let maximumByteCount: Int

    init(maximumByteCount: Int) {
        self.maximumByteCount = maximumByteCount
    }

    var isEmpty: Bool { position == bytes.count }

    private var unsent: ArraySlice<UInt8> { bytes[position...] }

    /// What is to be sent next, in one call.
    ///
    /// Of more files than go with one call, each but the last goes with a byte of its own.
    var next: (bytes: ArraySlice<UInt8>, files: [OpenedFile]) {
        let maximum = StreamSocket.maximumPassedCount
        let bytes = files.count > maximum ? unsent.prefix(1) : unsent
        return (bytes, Array(files.prefix(maximum)))
    }

    /// Adds a frame and the files that it names; false when the queue is too full for it.
    ///
    /// A frame larger than the limit still fits into an empty queue.
    mutating func append(_ frame: [UInt8], passing newFiles: [OpenedFile] = []) -> Bool {
        guard isEmpty || unsent.count + frame.count <= maximumByteCount else { return false }
        files += newFiles
        if isEmpty {
            bytes = frame
            position = 0
        } else {
            bytes += frame
        }
        return true
    }

    /// The socket took this many of the unsent bytes, at least one, and with them files.
    mutating func sent(_ count: Int, passed fileCount: Int = 0) {
        precondition(count <= unsent.count, "no more is sent than there was")
        files.removeFirst(fileCount)
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
