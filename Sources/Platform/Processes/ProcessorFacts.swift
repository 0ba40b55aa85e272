import CLinux

/// How much processor this process may use.
package enum ProcessorFacts {
    /// The number of cores that threads of this process can really have at the same time: the
    /// affinity mask, cut down to the cgroup's CPU quota (rounded up).
    ///
    /// At least 1.
    package static func usableCoreCount() -> Int {
        let allowed = max(1, Int(torii_affinity_cpu_count()))
        guard let quota = cgroupQuota() else { return allowed }
        return max(1, min(allowed, quota))
    }

    /// The tightest `cpu.max` from this process's cgroup (version 2) up to the root, in cores.
    private static func cgroupQuota() -> Int? {
        guard let membership = try? Files.text(of: "/proc/self/cgroup") else { return nil }
        guard var path = cgroupPath(membership: membership) else { return nil }
        var tightest: Int?
        while true {
            if let text = try? Files.text(of: "/sys/fs/cgroup\(path)/cpu.max"),
                let cores = coreCount(cpuMaximum: text)
            {
                tightest = min(tightest ?? cores, cores)
            }
            guard let slash = path.lastIndex(of: "/") else { return tightest }
            path = String(path[..<slash])
        }
    }

    /// The path of the version 2 hierarchy in the text of `/proc/self/cgroup`, without a slash at
    /// its end.
    static func cgroupPath(membership: String) -> String? {
        for line in membership.split(separator: "\n") where line.hasPrefix("0::") {
            let path = line.dropFirst(3)
            return path == "/" ? "" : String(path)
        }
        return nil
    }

    /// Cores granted by the text of a `cpu.max` file ("200000 100000" is 2), rounded up; `nil` for
    /// "max" and for text that is not of that form.
    static func coreCount(cpuMaximum text: String) -> Int? {
        let fields = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]),
            quota > 0, period > 0
        else { return nil }
        return (quota - 1) / period + 1
    }
}
