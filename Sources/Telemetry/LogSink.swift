import Glibc
import Platform
import Synchronization

/// Where log entries go.
///
/// Safe from any thread.
package struct LogSink: Sendable {
    /// Takes one entry; called on the thread that logs, so it must not block for long.
    package let write: @Sendable (LogEntry) -> Void

    /// A sink that calls `write` for every entry.
    package init(write: @escaping @Sendable (LogEntry) -> Void) {
        self.write = write
    }

    /// Drops everything.
    package static let none = LogSink { _ in }

    /// Standard error, one `write(2)` per entry.
    ///
    /// When systemd connected standard error to the journal (`JOURNAL_STREAM` names its device and
    /// inode, systemd.exec(5)), a line begins with the priority in brackets (sd-daemon(3)) and
    /// leaves the time to the journal; otherwise it begins with the time in UTC and the level.
    package static let standardError = standardErrorSink(isJournal: standardErrorIsJournal)

    /// A sink that keeps its entries, for tests.
    package static func collecting() -> (sink: LogSink, entries: @Sendable () -> [LogEntry]) {
        let store = EntryStore()
        return (
            LogSink { entry in store.entries.withLock { $0.append(entry) } },
            { store.entries.withLock { $0 } }
        )
    }

    private final class EntryStore: Sendable {
        let entries = Mutex<[LogEntry]>([])
    }

    private static func standardErrorSink(isJournal: Bool) -> LogSink {
        LogSink { entry in
            let line: String
            if isJournal {
                line = "<\(entry.level.rawValue)>\(entry.line)\n"
            } else {
                line = "\(Timestamp.now()) \(entry.level.name) \(entry.line)\n"
            }
            StandardStream.error.write(Array(line.utf8))
        }
    }

    /// The variable by which whoever starts a process names the stream that the journal reads.
    package static let journalVariable = "JOURNAL_STREAM"

    /// Whether this process's standard error goes to the journal, or to a process whose does.
    package static let standardErrorIsJournal: Bool = {
        // Safety: getenv's string is copied at once; nothing changes the environment at start.
        guard let stream = unsafe getenv(journalVariable) else { return false }
        return unsafe String(cString: stream) == journalName(of: STDERR_FILENO)
    }()

    /// The value of `journalVariable` that stands for an open descriptor; nil if it isn't open.
    package static func journalName(of descriptor: Int32) -> String? {
        var status = stat()
        // Safety: `status` outlives the call.
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        return "\(status.st_dev):\(status.st_ino)"
    }
}
