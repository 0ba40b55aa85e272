/// How much memory this process may still take without pushing others out, as far as the system
/// says.
package enum MemoryFacts {
    /// Bytes: the least of the machine's `MemAvailable` (proc(5)) and what the limit of each of the
    /// process's control groups leaves; 1 GiB if nothing can be read.
    package static func availableByteCount() -> Int {
        let machine = (try? Files.text(of: "/proc/meminfo")).flatMap(available(memoryInformation:))
        let groups = ControlGroup.directories().compactMap { directory -> Int? in
            guard let maximum = try? Files.text(of: "\(directory)/memory.max"),
                let current = try? Files.text(of: "\(directory)/memory.current")
            else { return nil }
            let statistics = (try? Files.text(of: "\(directory)/memory.stat")) ?? ""
            return available(maximum: maximum, current: current, statistics: statistics)
        }
        return ([machine].compactMap(\.self) + groups).min() ?? 1 << 30
    }

    /// Bytes that a process takes of the machine's memory, pages that it shares with others in
    /// proportion (`Pss` of /proc/PID/smaps_rollup, proc(5)); nil if it is gone or another user's.
    package static func residentByteCount(of pid: Int32) -> Int? {
        (try? Files.text(of: "/proc/\(pid)/smaps_rollup")).flatMap { text in
            value(of: "Pss:", in: text).map { $0 * 1024 }
        }
    }

    /// The value of `MemAvailable:  12345 kB`, in bytes.
    static func available(memoryInformation text: String) -> Int? {
        value(of: "MemAvailable:", in: text).map { $0 * 1024 }
    }

    /// What a control group's limit leaves, in bytes, by the texts of its files `memory.max`,
    /// `memory.current` and `memory.stat`; `nil` without a limit.
    ///
    /// File pages that were not used lately count as free: the kernel drops them first.
    static func available(maximum: String, current: String, statistics: String) -> Int? {
        // "max" means no limit and is no number.
        guard let maximum = maximum.split(separator: "\n").first.flatMap({ Int($0) }),
            let current = current.split(separator: "\n").first.flatMap({ Int($0) })
        else { return nil }
        let reclaimable = value(of: "inactive_file", in: statistics) ?? 0
        return max(0, maximum - max(0, current - reclaimable))
    }

    /// The number behind the word `name` at the beginning of a line.
    static func value(of name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 2, words[0] == name { return Int(words[1]) }
        }
        return nil
    }
}
