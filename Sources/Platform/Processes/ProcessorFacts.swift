import CLinux

/// How much processor this process may use.
package enum ProcessorFacts {
    /// The number of cores that threads of this process can really have at the same time: the
    /// affinity mask, cut down to the CPU quota (rounded up) of each of its control groups.
    ///
    /// At least 1.
    package static func usableCoreCount() -> Int {
        let allowed = max(1, Int(torii_affinity_cpu_count()))
        let quotas = ControlGroup.texts(of: "cpu.max").compactMap(coreCount(cpuMaximum:))
        return quotas.reduce(allowed, min)
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
