import CSystemd
import Glibc
package import Telemetry

/// Sends log entries to the journal as fields, by sd_journal_sendv(3).
///
/// An entry has `MESSAGE` (the whole line, for people), `PRIORITY`, `MESSAGE_ID` where there is one, and
/// each of its own fields in capitals: `journalctl -u torii MODEL=tiny -o json`.
package enum JournalSink {
    /// The journal if standard error is connected to it, else standard error itself.
    package static var orStandardError: LogSink {
        LogSink.standardErrorIsJournal ? sink { send($0) } : .standardError
    }

    /// A sink that hands each entry's fields, `NAME=value`, to `send`.
    static func sink(_ send: @escaping @Sendable ([[UInt8]]) -> Bool) -> LogSink {
        LogSink { entry in
            // A journal that takes nothing must not swallow what happened.
            if !send(fields(of: entry)) { LogSink.standardError.write(entry) }
        }
    }

    /// The fields of an entry, `NAME=value`.
    static func fields(of entry: LogEntry) -> [[UInt8]] {
        var fields = [
            "MESSAGE=\(entry.line)", "PRIORITY=\(entry.level.rawValue)", "SYSLOG_IDENTIFIER=torii",
        ]
        if let id = JournalMessageIDs.all[entry.message] { fields.append("MESSAGE_ID=\(id)") }
        for field in entry.fields {
            // The journal's own names are longer words than these, or begin with `_`.
            fields.append("\(field.key.uppercased())=\(LogEntry.cut(field.value))")
        }
        return fields.map { Array($0.utf8) }
    }

    private static func send(_ fields: [[UInt8]]) -> Bool {
        let bytes = fields.flatMap(\.self)
        // Safety: the vectors point into the buffer, which outlives the call; it only reads.
        return unsafe bytes.withUnsafeBytes { buffer in
            var start = 0
            let vectors = unsafe fields.map { field in
                defer { start += field.count }
                let part = unsafe UnsafeMutableRawPointer(mutating: buffer.baseAddress)
                return unsafe iovec(iov_base: part?.advanced(by: start), iov_len: field.count)
            }
            return unsafe sd_journal_sendv(vectors, Int32(vectors.count)) == 0
        }
    }
}
