import Kernels
import Tensors

/// What the machine can do at most, measured, and so how fast a model could be.
struct MachineLimits: Sendable, Equatable {
    /// What keeps a forward pass from being faster.
    enum Bound: String, Sendable {
        /// Every weight is read from memory once.
        case memory
        /// Every row is multiplied with every weight.
        case products
    }

    /// Bytes per second that the threads read from memory; nil: not to be had.
    let memoryBandwidth: Double?
    /// 8-bit operations per second of the dot product alone; nil: not to be had.
    let integerPeak: Double?
    /// Operations per second in products with weights of a type, with all that the arithmetic asks
    /// for beside the dot products, operands in registers.
    let productPeaks: [TensorType: Double]

    /// Measures the machine with `threads` threads: a tenth of a second for each type and about one
    /// for the memory, which blocks the caller.
    static func measured(
        types: some Sequence<TensorType>,
        threads: Int,
        instructionSet: InstructionSet
    ) -> MachineLimits {
        var peaks: [TensorType: Double] = [:]
        for type in types {
            peaks[type] = MachineProbe.productPeak(
                of: type,
                threads: threads,
                instructionSet: instructionSet
            )
        }
        return MachineLimits(
            memoryBandwidth: MachineProbe.memoryBandwidth(threads: threads),
            integerPeak: MachineProbe.integerPeak(
                threads: threads,
                instructionSet: instructionSet
            ),
            productPeaks: peaks
        )
    }

    /// The better of both in everything: a machine that others use shows its best now and then.
    func orBetter(_ other: MachineLimits) -> MachineLimits {
        func better(_ one: Double?, _ other: Double?) -> Double? {
            [one, other].compactMap(\.self).max()
        }
        return MachineLimits(
            memoryBandwidth: better(memoryBandwidth, other.memoryBandwidth),
            integerPeak: better(integerPeak, other.integerPeak),
            productPeaks: productPeaks.merging(other.productPeaks, uniquingKeysWith: max)
        )
    }

    /// The least time of one pass, in seconds, and what takes it.
    ///
    /// - Parameters:
    ///   - work: The model's.
    ///   - rows: Tokens that pass the layers.
    ///   - headRows: Tokens among them that meet the output head.
    /// - Returns: nil where nothing was measured.
    func leastSeconds(_ work: ModelWork, rows: Int, headRows: Int) -> (Double, Bound)? {
        let reading = memoryBandwidth.map { Double(work.byteCount) / $0 }
        guard let multiplying = multiplyingSeconds(work, rows: rows, headRows: headRows) else {
            return reading.map { ($0, .memory) }
        }
        guard let reading, reading > multiplying else { return (multiplying, .products) }
        return (reading, .memory)
    }

    private func multiplyingSeconds(_ work: ModelWork, rows: Int, headRows: Int) -> Double? {
        var products = work.layers.map { (type: $0.key, count: Double($0.value) * Double(rows)) }
        products.append((work.headType, Double(work.headCount) * Double(headRows)))
        var seconds = 0.0
        for product in products where product.count > 0 {
            guard let peak = productPeaks[product.type] else { return nil }
            seconds += 2 * product.count / peak
        }
        return seconds
    }
}
