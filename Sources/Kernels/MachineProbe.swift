import CKernels
package import Tensors

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
    ) -> Double? {
        guard let threads = Int32(exactly: threads) else { return nil }
        let operationsPerSecond = torii_probe_product_peak(
            instructionSet.cValue,
            Int32(type.rawValue),
            threads
        )
        return operationsPerSecond > 0 ? operationsPerSecond : nil
    }
}
