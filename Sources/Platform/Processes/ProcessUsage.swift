import Glibc

/// What a process has used, as the kernel counts it in /proc (proc(5)).
package struct ProcessUsage: Sendable, Hashable {
    /// Bytes in memory now, those of shared pages included.
    package let residentByteCount: Int
    /// Time on a processor since its start, of all its threads together.
    package let processorTime: Duration

    /// The usage of this process now; nil when /proc does not say.
    package static func ofThisProcess() -> ProcessUsage? { ProcessUsage(of: getpid()) }

    /// The usage of a process now; nil when it is gone.
    package init?(of process: Int32) {
        guard let text = try? Files.text(of: "/proc/\(process)/stat") else { return nil }
        self.init(
            statistics: text,
            pageByteCount: sysconf(Int32(_SC_PAGESIZE)),
            ticksPerSecond: sysconf(Int32(_SC_CLK_TCK))
        )
    }

    /// The figures in the text of `/proc/PID/stat`.
    ///
    /// The program's name in it stands in parentheses and may hold anything, parentheses included;
    /// fields are counted from behind the last one.
    init?(statistics text: String, pageByteCount: Int, ticksPerSecond: Int) {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split { $0 == " " || $0 == "\n" }
        // The state is field 3, the first one here; utime and stime are 14 and 15, rss is 24.
        guard fields.count > 21, let user = Int(fields[11]), let system = Int(fields[12]),
            let pages = Int(fields[21])
        else { return nil }
        residentByteCount = pages * pageByteCount
        processorTime = .seconds(Double(user + system) / Double(max(ticksPerSecond, 1)))
    }
}
