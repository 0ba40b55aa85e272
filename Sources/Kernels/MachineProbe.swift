import CKernels
package import Tensors

/// What this machine can do at most, measured: the yardsticks beside every speed that is reported.
///
/// Each call keeps `threads` threads busy for a fraction of a second and blocks the caller; not for
/// the cooperative pool.
package enum MachineProbe {
    /// What several runs of a few milliseconds gave, of all threads together.
    package struct Rate: Sendable, Hashable {
        /// The quickest run's, by the time that its threads had a processor: what the machine can
        /// do when nobody disturbs it.
        package let best: Double
        /// All runs', by the clock: what the machine gave in these seconds.
        package let mean: Double

        fileprivate init?(_ rate: torii_probe_rate) {
            guard rate.best > 0 else { return nil }
            best = rate.best
            mean = rate.mean
        }
    }

    /// Bytes per second read from memory by `threads` threads (1...256); nil when the threads or
    /// the memory can't be had.
    package static func memoryBandwidth(threads: Int) -> Rate? {
        guard let threads = Int32(exactly: threads) else { return nil }
        return Rate(torii_probe_memory_bandwidth(threads))
    }

    /// 8-bit operations per second (a multiply-add counts as two) of `threads` threads (1...256),
    /// operands in registers; nil when the set isn't supported or the threads can't be had.
    package static func integerPeak(
        threads: Int,
        instructionSet: InstructionSet = .best
    ) -> Rate? {
        guard let threads = Int32(exactly: threads) else { return nil }
        return Rate(torii_probe_integer_peak(instructionSet.cValue, threads))
    }

    /// Operations per second (a multiply-add counts as two) of `threads` threads (1...256) in what
    /// products with weights of a type consist of: dot products and, beside them, the additions,
    /// conversions and multiplications by scales that the kernels' arithmetic asks for.
    ///
    /// Operands are in registers, so it is the most that such a product can reach. Nil when there
    /// are no kernels for the type, the set isn't supported or the scalar one, or the threads can't
    /// be had.
    package static func productPeak(
        of type: TensorType,
        threads: Int,
        instructionSet: InstructionSet = .best
    ) -> Rate? {
        guard let threads = Int32(exactly: threads) else { return nil }
        return Rate(
            torii_probe_product_peak(instructionSet.cValue, Int32(type.rawValue), threads)
        )
    }
}
