import CKernels
import Kernels
import Platform
import TestSupport
import Tensors

/// Activations of several tokens in the kernels' own layout, filled by one instruction set.
final class KernelActivations {
    let tokenCount: Int
    let columns: Int
    private(set) var view = torii_activations()
    private let storage: AlignedBuffer
    private let values: UnsafeMutableBufferPointer<Float>

    /// Quantises `tokens` (rows of equal length).
    ///
    /// Rows that aren't whole sub-blocks are left as f32.
    init(_ tokens: [[Float]], _ set: InstructionSet) throws {
        tokenCount = tokens.count
        columns = tokens[0].count
        let (count, width) = (Int32(tokens.count), Int32(columns))
        storage = try AlignedBuffer(byteCount: torii_activations_bytes(count, width))
        torii_activations_init(&view, count, width, storage.baseAddress)
        values = .allocate(capacity: tokens.count * columns)
        _ = values.initialize(from: tokens.joined())
        view.values = UnsafePointer(values.baseAddress)
        view.value_stride = columns
        guard columns % 32 == 0, let kernels = torii_matmul_for(set.cValue) else { return }
        for token in tokens.indices {
            let row = values.baseAddress.map { $0 + token * columns }
            kernels.pointee.quantize(row, Int32(token), &view)
        }
    }

    deinit {
        values.deallocate()
    }

    func quants(_ token: Int) -> [Int] {
        (0..<columns).map { Int(view.quants[token * view.quant_stride + $0]) }
    }

    func scales(_ token: Int) -> [Float] {
        let count = Int(torii_activation_groups(Int32(columns)))
        return (0..<count).map { view.scales[token * view.scale_stride + $0] }
    }

    /// Of each 32 quants, as integers and as floats; and of each 16.
    func negativeSums(_ token: Int) -> (sums: [Int], floats: [Float], halves: [Int]) {
        let (first, count) = (token * view.sum_stride, columns / 32)
        return (
            (0..<count).map { Int(view.sums[first + $0]) },
            (0..<count).map { view.float_sums[first + $0] },
            (0..<2 * count).map { Int(view.half_sums[2 * first + $0]) }
        )
    }
}

/// Which tokens and strips one call of `multiply` is asked for.
struct KernelCall {
    var tokens: Range<Int>
    var strips: Range<Int>
}

extension PackedMatrix {
    /// A matrix packed in one go from rows in the file's layout.
    convenience init(packing bytes: [UInt8], type: TensorType, rows: Int, columns: Int) throws {
        try self.init(type: type, rows: rows, columns: columns)
        bytes.withUnsafeBytes { pack($0, firstRow: 0, rowCount: rows) }
    }

    var stripCount: Int { (rows + Self.stripRowCount - 1) / Self.stripRowCount }

    /// [T, R + 1]: the product, by one call or by the calls given.
    ///
    /// The element after each row's last is a sentinel that no kernel may touch.
    func multiply(
        _ activations: KernelActivations,
        _ set: InstructionSet,
        calls: [KernelCall]? = nil,
        bias: [Float]? = nil,
        into initial: [Float]? = nil
    ) -> [Float] {
        var output =
            initial ?? Array(repeating: .infinity, count: activations.tokenCount * (rows + 1))
        let calls =
            calls ?? [KernelCall(tokens: 0..<activations.tokenCount, strips: 0..<stripCount)]
        guard let kernels = torii_matmul_for(set.cValue) else { return [] }
        var view = activations.view
        withMatrix { matrix in
            var matrix = matrix
            for call in calls {
                kernels.pointee.multiply(
                    &matrix,
                    &view,
                    Int32(call.tokens.lowerBound),
                    Int32(call.tokens.count),
                    Int32(call.strips.lowerBound),
                    Int32(call.strips.count),
                    &output,
                    rows + 1,
                    bias,
                    initial != nil
                )
            }
        }
        return output
    }

    /// The reference's [T, R] with the sentinels of `multiply` put in.
    func withSentinels(_ product: [Float]) -> [Float] {
        stride(from: 0, to: product.count, by: rows).flatMap {
            product[$0..<$0 + rows] + [.infinity]
        }
    }
}

/// Bit patterns, with every NaN alike: which NaN comes out isn't part of the contract.
func bits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
}

/// Random rows in the file's layout whose every byte is random but the f16 scales, which `half`
/// gives.
func randomBlocks(
    _ type: TensorType,
    rows: Int,
    columns: Int,
    using random: inout SeededGenerator,
    half: (inout SeededGenerator) -> Float16 = { Float16.random(in: -0.01...0.01, using: &$0) }
) -> [UInt8] {
    let blockCount = rows * columns / type.blockElementCount
    if type.blockElementCount == 1 {
        return RandomBlocks.bytes(
            type: type,
            rowCount: rows,
            columnCount: columns,
            deviation: 1,
            using: &random
        )
    }
    return (0..<blockCount).flatMap { _ in
        var block = (0..<type.blockByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        for offset in WeightFormat(type: type).halfOffsets {
            setHalf(half(&random), at: offset, in: &block)
        }
        // 255 is no number.
        if type == .mxfp4 { block[0] = UInt8.random(in: 0...254, using: &random) }
        return block
    }
}

func setHalf(_ value: Float16, at offset: Int, in bytes: inout [UInt8]) {
    bytes[offset] = UInt8(truncatingIfNeeded: value.bitPattern)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value.bitPattern >> 8)
}

/// Rows of random activations, a few of them outliers.
func randomActivations(
    tokens: Int,
    columns: Int,
    using random: inout SeededGenerator
) -> [[Float]] {
    (0..<tokens).map { _ in
        (0..<columns).map { _ in
            let value = Float.random(in: -1...1, using: &random)
            return Int.random(in: 0..<50, using: &random) == 0 ? value * 40 : value
        }
    }
}
