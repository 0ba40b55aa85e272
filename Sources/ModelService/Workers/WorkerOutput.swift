import Glibc
import Platform
import Telemetry

/// What a worker writes to its standard error: it goes to the daemon's, and the last lines are kept
/// for whoever asks why the worker died.
///
/// Confined to the worker's thread.
final class WorkerOutput {
    private(set) var tail = LogTail()

    private let ours: FileDescriptor
    private var hasEnded = false

    /// Takes our end of the connection over that is the worker's standard error.
    init(_ ours: consuming FileDescriptor) { self.ours = ours }

    /// What to wait on for more; nil once there is no more.
    var descriptor: Int32? { hasEnded ? nil : ours.rawValue }

    /// Passes on what is there, without waiting for more.
    func passOn() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !hasEnded {
            // Safety: the buffer is writable for its own count during the call.
            let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe recv(
                    ours.rawValue,
                    buffer.baseAddress,
                    buffer.count,
                    Int32(MSG_DONTWAIT)
                )
            }
            if count > 0 {
                StandardStream.error.write(tail.append(buffer[..<count]))
            } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                hasEnded = true
                StandardStream.error.write(tail.finish())
            } else if errno == EAGAIN {
                return
            }
        }
    }

    /// What tells a worker to write as for the journal, if this process does.
    ///
    /// `descriptor` is what becomes the worker's standard error.
    static func environment(for descriptor: Int32) -> [String: String] {
        guard LogSink.standardErrorIsJournal, let name = LogSink.journalName(of: descriptor)
        else { return [:] }
        return [LogSink.journalVariable: name]
    }
}
