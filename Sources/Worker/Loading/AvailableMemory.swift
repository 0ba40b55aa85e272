import Platform

/// Memory this process may still take without pushing others out, as far as the system says.
enum AvailableMemory {
    /// Bytes, the least of the machine's `MemAvailable` (proc(5)) and what the control group's
    /// `memory.max` leaves (cgroup v2); 1 GiB if neither can be read.
    static func byteCount() -> Int {
        let machine = (try? Files.text(of: "/proc/meminfo")).flatMap(parseMemoryInformation)
        var group: Int?
        if let limit = number("/sys/fs/cgroup/memory.max"),
            let current = number("/sys/fs/cgroup/memory.current")
        {
            group = max(0, limit - current)
        }
        return [machine, group].compactMap { $0 }.min() ?? 1 << 30
    }

    /// The value of `MemAvailable:  12345 kB`, in bytes.
    static func parseMemoryInformation(_ text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kibibytes = Int(words[1]) else { return nil }
            return kibibytes * 1024
        }
        return nil
    }

    private static func number(_ path: String) -> Int? {
        // "max" means no limit and is no number.
        (try? Files.text(of: path)).flatMap { text in
            text.split(separator: "\n").first.flatMap { Int($0) }
        }
    }
}
