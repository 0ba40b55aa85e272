import Glibc

/// How much memory this process may still take without pushing others out, as far as the system
/// says.
package enum MemoryFacts {
    /// Bytes: the least of the machine's `MemAvailable` (proc(5)) and what the limits of each of the
    /// process's control groups leave; 1 GiB if nothing can be read.
    package static func availableByteCount() -> Int {
        let machine = (try? Files.text(of: "/proc/meminfo")).flatMap(available(memoryInformation:))
        let groups = ControlGroup.directories().compactMap { available(inGroup: $0) }
        return ([machine].compactMap(\.self) + groups).min() ?? 1 << 30
    }

    /// The share of the last ten seconds in which somebody waited for memory, 0...1: the most of the
    /// machine's and that of the control group which the process shares with its children
    /// (`some avg10`, Documentation/accounting/psi.rst).
    package static func stall() -> Double {
        let group = ControlGroup.commonDirectory().map { "\($0)/memory.pressure" }
        let texts = ["/proc/pressure/memory", group].compactMap(\.self).compactMap {
            try? Files.text(of: $0)
        }
        return texts.compactMap { stall(pressure: $0) }.max() ?? 0
    }

    /// Bytes that were read again because they had been dropped too early, since the start of the
    /// control group which the process shares with its children, or the machine's if the group has
    /// no figures.
    package static func refaultedByteCount() -> Int {
        let group = ControlGroup.commonDirectory().map { "\($0)/memory.stat" }
        for path in [group, "/proc/vmstat"].compactMap(\.self) {
            guard let text = try? Files.text(of: path),
                let pages = refaultedPageCount(statistics: text)
            else { continue }
            return pages * Int(getpagesize())
        }
        return 0
    }

    /// Pages by the text of `memory.stat` or `/proc/vmstat`; nil if it does not count them.
    static func refaultedPageCount(statistics: String) -> Int? {
        let counts = ["workingset_refault_anon", "workingset_refault_file"].compactMap {
            value(of: $0, in: statistics)
        }
        return counts.isEmpty ? nil : counts.reduce(0, +)
    }

    /// What a control group's limits leave; nil without a limit.
    static func available(inGroup directory: String) -> Int? {
        let limits = ["memory.max", "memory.high"].compactMap { name -> Int? in
            // "max" means no limit and is no number.
            (try? Files.text(of: "\(directory)/\(name)"))?.split(separator: "\n").first.flatMap {
                Int($0)
            }
        }
        guard let limit = limits.min(),
            let statistics = try? Files.text(of: "\(directory)/memory.stat")
        else { return nil }
        return max(0, limit - unreclaimable(statistics: statistics))
    }

    /// Bytes of a control group that the kernel cannot simply drop, by the text of its
    /// `memory.stat`: everything but file pages and caches (Documentation/admin-guide/cgroup-v2.rst).
    static func unreclaimable(statistics: String) -> Int {
        [
            "anon", "shmem", "unevictable", "slab_unreclaimable", "kernel_stack", "pagetables",
            "sock",
        ].reduce(0) { $0 + (value(of: $1, in: statistics) ?? 0) }
    }

    /// The share in the line `some avg10=1.23 …`.
    static func stall(pressure text: String) -> Double? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") }),
            let word = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") }),
            let percent = Double(word.dropFirst("avg10=".count))
        else { return nil }
        return min(max(percent / 100, 0), 1)
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

    /// The number behind the word `name` at the beginning of a line.
    static func value(of name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 2, words[0] == name { return Int(words[1]) }
        }
        return nil
    }
}
