import Glibc

/// The limits the kernel sets to this process.
enum ResourceLimits {
    /// How many descriptors the process may have now.
    static var descriptorCount: Int {
        var limit = rlimit()
        // Safety: `limit` outlives the call.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 1024
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Lets the process open as many files as the administrator allows; each connection is one.
    ///
    /// Where that is refused the old limit stays.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        // Safety: `limit` outlives both calls.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return
        }
        limit.rlim_cur = min(limit.rlim_max, 1 << 20)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
