import Platform

/// How much memory there is and how much a process has: the machine's, or a test's.
package struct MemoryGauge: Sendable {
    /// Bytes that the machine, or the process's control group, has left now.
    package var available: @Sendable () -> Int
    /// Bytes that a process takes of the machine's memory now; nil if nobody can say.
    package var resident: @Sendable (_ pid: Int32) -> Int?
    /// The share of the last ten seconds in which somebody waited for memory, 0...1.
    package var stall: @Sendable () -> Double
    /// Bytes that were read again because they had been dropped too early, since some time past.
    package var refaulted: @Sendable () -> Int
    /// Bytes of what is available that are not for models: for the system and this process.
    package var reserveByteCount: Int

    /// Makes a gauge.
    package init(
        available: @escaping @Sendable () -> Int,
        resident: @escaping @Sendable (Int32) -> Int?,
        stall: @escaping @Sendable () -> Double = { 0 },
        refaulted: @escaping @Sendable () -> Int = { 0 },
        reserveByteCount: Int
    ) {
        self.available = available
        self.resident = resident
        self.stall = stall
        self.refaulted = refaulted
        self.reserveByteCount = reserveByteCount
    }

    /// The machine's.
    package static let machine = MemoryGauge(
        available: MemoryFacts.availableByteCount,
        resident: MemoryFacts.residentByteCount(of:),
        stall: MemoryFacts.stall,
        refaulted: MemoryFacts.refaultedByteCount,
        reserveByteCount: reserve(ofTotal: MemoryFacts.totalByteCount())
    )

    /// What is not for models: 256 MiB, or an eighth of all memory where that is less, be it the
    /// machine's or what the service's limits let it have.
    package static func reserve(ofTotal byteCount: Int) -> Int { min(256 << 20, byteCount / 8) }
}
