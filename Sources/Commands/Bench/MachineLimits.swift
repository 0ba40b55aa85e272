import Kernels
import Tensors

/// What the machine can do at most, measured, and so how fast a model could be.
struct MachineLimits: Sendable, Equatable {
    /// What keeps a forward pass from being faster.
    enum Bound: String, Sendable {
        /// Weights, keys and values are read from memory.
        case memory
        /// Every row is multiplied with every weight, and with the keys and values that it sees.
        case products
    }

    /// Bytes per second that the threads read from memory; nil: not to be had.
    let memoryBandwidth: Double?
    /// 8-bit operations per second of the dot product alone; nil: not to be had.
    let integerPeak: Double?
    /// Operations per second in products with weights of a type, with all that the arithmetic asks
    /// for beside the dot products, operands in registers.
    let productPeaks: [TensorType: Double]

    /// Before anything was measured.
    static let unknown = MachineLimits(memoryBandwidth: nil, integerPeak: nil, productPeaks: [:])

    /// Measures the machine with `threads` threads: a tenth of a second for each type and about a
    /// half for the memory, which blocks the caller.
    ///
    /// - Parameters:
    ///   - types: Of the weights.
    ///   - threads: 1...256.
    ///   - instructionSet: Of the products.
    /// - Returns: What the best moments gave, and what all of them gave on average.
    static func measured(
        types: some Sequence<TensorType>,
        threads: Int,
        instructionSet: InstructionSet
    ) -> (best: MachineLimits, mean: MachineLimits) {
        let memory = MachineProbe.memoryBandwidth(threads: threads)
        let integer = MachineProbe.integerPeak(threads: threads, instructionSet: instructionSet)
        var products: [TensorType: MachineProbe.Rate] = [:]
        for type in types {
            products[type] = MachineProbe.productPeak(
                of: type,
                threads: threads,
                instructionSet: instructionSet
            )
        }
        func limits(_ value: (MachineProbe.Rate) -> Double) -> MachineLimits {
            MachineLimits(
                memoryBandwidth: memory.map(value),
                integerPeak: integer.map(value),
                productPeaks: products.mapValues(value)
            )
        }
        return (limits(\.best), limits(\.mean))
    }

    /// The better of both in everything: what the machine can do when nobody disturbs it.
    func orBetter(_ other: MachineLimits) -> MachineLimits { combined(with: other, max) }

    /// Half-way between both in everything: what the machine could do from one look to the other.
    func averaged(with other: MachineLimits) -> MachineLimits {
        combined(with: other) { ($0 + $1) / 2 }
    }

    private func combined(
        with other: MachineLimits,
        _ choose: (Double, Double) -> Double
    ) -> MachineLimits {
        func both(_ one: Double?, _ other: Double?) -> Double? {
            guard let one, let other else { return one ?? other }
            return choose(one, other)
        }
        return MachineLimits(
            memoryBandwidth: both(memoryBandwidth, other.memoryBandwidth),
            integerPeak: both(integerPeak, other.integerPeak),
            productPeaks: productPeaks.merging(other.productPeaks, uniquingKeysWith: choose)
        )
    }

    /// The least time of work, in seconds, and what takes it; nil where nothing was measured.
    func leastSeconds(_ work: ModelWork.Total) -> (Double, Bound)? {
        let reading = memoryBandwidth.map { Double(work.byteCount) / $0 }
        guard let multiplying = multiplyingSeconds(work) else {
            return reading.map { ($0, .memory) }
        }
        guard let reading, reading > multiplying else { return (multiplying, .products) }
        return (reading, .memory)
    }

    private func multiplyingSeconds(_ work: ModelWork.Total) -> Double? {
        var seconds = 0.0
        for (type, count) in work.products where count > 0 {
            guard let peak = productPeaks[type] else { return nil }
            seconds += 2 * count / peak
        }
        guard work.attentionOperationCount > 0 else { return seconds }
        // A register holds half as many 16-bit numbers as bytes.
        return integerPeak.map { seconds + 2 * 2 * work.attentionOperationCount / $0 }
    }
}
