import CKernels

/// What this machine can do at most, measured: the yardsticks beside every speed that is reported.
///
/// Each call keeps `threads` threads busy for a fraction of a second and blocks the caller; not for
/// the cooperative pool.
package enum MachineProbe {
    /// Bytes per second read from memory by `threads` threads (1...256); nil when the threads or
    /// the memory can't be had.
    package static func memoryBandwidth(threads: Int) -> Double? {
        guard let threads = Int32(exactly: threads) else { return nil }
        let bytesPerSecond = torii_probe_memory_bandwidth(threads)
        return bytesPerSecond > 0 ? bytesPerSecond : nil
    }

    /// 8-bit operations per second (a multiply-add counts as two) of `threads` threads (1...256),
    /// operands in registers; nil when the set isn't supported or the threads can't be had.
    package static func integerPeak(
        threads: Int,
        instructionSet: InstructionSet = .best
    ) -> Double? {
        guard let threads = Int32(exactly: threads) else { return nil }
        let operationsPerSecond = torii_probe_integer_peak(instructionSet.cValue, threads)
        return operationsPerSecond > 0 ? operationsPerSecond : nil
    }
    /// The most that AVX-512 products of quantised matrices can reach, as 8-bit operations per
    /// second.
    ///
    /// It is the rate of the dot product where each 96 have so many fused multiply-adds beside them
    /// (24, 36 or 60), operands in registers; nil without AVX-512 or threads.
    package static func tilePeak(threads: Int, multiplications: Int) -> Double? {
        guard let threads = Int32(exactly: threads) else { return nil }
        let operationsPerSecond = torii_probe_tile_peak(Int32(multiplications), threads)
        return operationsPerSecond > 0 ? operationsPerSecond : nil
    }
}
