import Glibc

/// The files that this process has open, and how many it may have.
package enum DescriptorUsage {
    /// Descriptors open now; nil when /proc does not say.
    package static func openCount() -> Int? {
        // Safety: the path is a NUL-terminated copy, and the stream is used by this call only.
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { _ = unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // Its own names `.` and `..`, and the descriptor that reads it.
        return max(0, count - 3)
    }

    /// The most it may have open; nil when that is unknown.
    package static func limit() -> Int? {
        var limit = rlimit()
        // Safety: `limit` outlives the call.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return nil
        }
        return Int(clamping: limit.rlim_cur)
    }
}
