import Platform

/// The memory of this process as the kernel counts it.
enum ProcessMemory {
    /// Bytes in memory now, or nil when /proc does not say.
    static func residentByteCount() -> Int? {
        guard let text = try? Files.text(of: "/proc/self/status") else { return nil }
        return residentByteCount(status: text)
    }

    /// The figure in the text of /proc/PID/status.
    static func residentByteCount(status: String) -> Int? {
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return line.split(separator: " ").dropLast().last
                .flatMap { Int($0.filter(\.isNumber)) }
                .map { $0 * 1024 }
        }
        return nil
    }
}
