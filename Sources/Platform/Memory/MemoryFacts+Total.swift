extension MemoryFacts {
    /// Bytes: the least of the machine's `MemTotal` (proc(5)) and the limits of each of the process's
    /// control groups; 1 GiB if nothing can be read.
    package static func totalByteCount() -> Int {
        let machine = (try? Files.text(of: "/proc/meminfo")).flatMap { text in
            value(of: "MemTotal:", in: text).map { $0 * 1024 }
        }
        let groups = ControlGroup.directories().flatMap { directory in
            ["memory.max", "memory.high"].compactMap { name in
                (try? Files.text(of: "\(directory)/\(name)")).flatMap { text in
                    // "max" means no limit and is no number.
                    text.split(separator: "\n").first.flatMap { Int($0) }
                }
            }
        }
        return ([machine].compactMap(\.self) + groups).min() ?? 1 << 30
    }
}
