import Kernels
import ModelFiles
import Platform
import Synchronization
import Tensors

/// Reads tensors into the kernels' layouts on all threads of a pool.
///
/// Confined to the loading thread. Each thread reads pieces of a tensor into a buffer of its own and
/// packs them; the file is never mapped.
final class WeightLoader {
    /// About how much of a tensor one thread reads at a time, in bytes.
    private static let pieceByteCount = 1 << 20

    private let file: GGUFFile
    private let pool: KernelThreadPool
    private let rotary: ModelConfiguration.RotaryEmbedding
    private let headDimension: Int
    private let totalByteCount: Int
    private let progress: (Double) -> Void
    private var loadedByteCount = 0
    /// Bytes of all packed matrices, norms and biases made so far.
    private(set) var packedByteCount = 0

    init(
        file: GGUFFile,
        pool: KernelThreadPool,
        configuration: ModelConfiguration,
        totalByteCount: Int,
        progress: @escaping (Double) -> Void
    ) {
        self.file = file
        self.pool = pool
        rotary = configuration.rotary
        headDimension = configuration.headDimension
        self.totalByteCount = totalByteCount
        self.progress = progress
    }

    /// A tensor of one dimension as floats, all finite.
    func floats(_ tensor: GGUFTensor) throws(ModelError) -> [Float] {
        guard [.f32, .f16, .bf16].contains(tensor.type) else {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        var values = [Float](repeating: 0, count: tensor.elementCount)
        try readFloats(tensor, into: &values)
        guard values.allSatisfy(\.isFinite) else { throw .nonFinite(tensor: tensor.name) }
        advance(tensor.byteCount)
        return values
    }

    /// A small matrix of any type as floats, all finite, row by row.
    func dequantised(_ tensor: GGUFTensor) throws(ModelError) -> [Float] {
        var values = [Float](repeating: 0, count: tensor.elementCount)
        let bytes = try file.bytes(of: tensor, from: 0, count: tensor.byteCount)
        do throws(TensorError) {
            // Safety: both buffers are lent for the call.
            try unsafe values.withUnsafeMutableBufferPointer { values throws(TensorError) in
                let output = unsafe values
                try unsafe bytes.span.bytes.withUnsafeBytes { bytes throws(TensorError) in
                    unsafe try BlockDequantizer.dequantize(bytes, type: tensor.type, into: output)
                }
            }
        } catch {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        guard values.allSatisfy(\.isFinite) else { throw .nonFinite(tensor: tensor.name) }
        packedByteCount += values.count * MemoryLayout<Float>.size
        advance(tensor.byteCount)
        return values
    }

    /// A norm's weights or a bias.
    func vector(_ tensor: GGUFTensor) throws(ModelError) -> FloatVector {
        counted(FloatVector(try floats(tensor)))
    }

    private func counted(_ vector: FloatVector) -> FloatVector {
        packedByteCount += vector.count * MemoryLayout<Float>.size
        return vector
    }

    /// A product's weights, with rows in the order that the rotary kernel wants.
    func weight(_ weight: DecoderTensors.Weight) throws(ModelError) -> StepProgram.Weight {
        var bias: FloatVector?
        if let tensor = weight.bias {
            var values = try floats(tensor)
            if weight.pairsNeighbours { values = rowOrder.map(values, rowLength: 1) }
            bias = counted(FloatVector(values))
        }
        return StepProgram.Weight(
            try matrix(weight.matrix, pairsNeighbours: weight.pairsNeighbours),
            bias: bias
        )
    }

    /// A matrix, packed.
    func matrix(
        _ tensor: GGUFTensor,
        pairsNeighbours: Bool = false
    ) throws(ModelError) -> PackedMatrix {
        let columns = tensor.dimensions[0]
        let rows = tensor.dimensions[1]
        guard PackedMatrix.isSupported(type: tensor.type, rows: rows, columns: columns) else {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        let matrix: PackedMatrix
        do {
            matrix = try PackedMatrix(type: tensor.type, rows: rows, columns: columns)
        } catch {
            throw .outOfMemory(what: "tensor '\(tensor.name)'", byteCount: tensor.byteCount)
        }
        let pieces = try TensorPieces(
            tensor: tensor,
            unit: pairsNeighbours ? headDimension : 16,
            byteCount: Self.pieceByteCount
        )
        // Rounds of a few pieces for each thread, so that progress is seen within a large tensor.
        let round = pool.threadCount * 8
        for first in stride(from: 0, to: pieces.count, by: round) {
            let range = first..<min(first + round, pieces.count)
            try pack(pieces, range, order: pairsNeighbours ? rowOrder : nil, into: matrix)
            advance(pieces.rows(range).count * pieces.rowByteCount)
        }
        packedByteCount += matrix.byteCount
        return matrix
    }

    private var rowOrder: RotaryRowOrder {
        RotaryRowOrder(headDimension: headDimension, rotatedCount: rotary.dimensionCount)
    }

    private func pack(
        _ pieces: TensorPieces,
        _ range: Range<Int>,
        order: RotaryRowOrder?,
        into matrix: PackedMatrix
    ) throws(ModelError) {
        let failure = Mutex<ModelError?>(nil)
        let file = file
        let threadCount = pool.threadCount
        pool.run { thread in
            do throws(ModelError) {
                for index in stride(
                    from: range.lowerBound + thread,
                    to: range.upperBound,
                    by: threadCount
                ) {
                    try pieces.pack(index, of: file, order: order, into: matrix)
                }
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func readFloats(_ tensor: GGUFTensor, into values: inout [Float]) throws(ModelError) {
        let bytes = try file.bytes(of: tensor, from: 0, count: tensor.byteCount)
        let width = tensor.byteCount / tensor.elementCount
        for index in values.indices {
            let low = index * width
            let bits = (0..<width).reduce(UInt32(0)) { $0 | UInt32(bytes[low + $1]) << (8 * $1) }
            switch tensor.type {
            case .f32: values[index] = Float(bitPattern: bits)
            case .bf16: values[index] = Float(bitPattern: bits << 16)
            case .f16: values[index] = Float(Float16(bitPattern: UInt16(bits)))
            default: throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
            }
        }
    }

    private func advance(_ byteCount: Int) {
        loadedByteCount += byteCount
        progress(min(1, Double(loadedByteCount) / Double(max(totalByteCount, 1))))
    }
}
