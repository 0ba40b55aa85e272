import Kernels
import ModelFiles
import Platform
import Synchronization
import Tensors

/// Brings tensors into the kernels' layouts on all threads of a pool.
///
/// Confined to the loading thread. What an earlier process has packed is taken from its file, which is
/// mapped. Otherwise each thread reads pieces of a tensor into a buffer of its own and packs them; the
/// model's file is never mapped.
final class WeightLoader {
    /// About how much of a tensor one thread reads at a time, in bytes.
    private static let pieceByteCount = 1 << 20

    private let file: GGUFFile
    private let cached: CachedWeights?
    private let pool: KernelThreadPool
    private let totalByteCount: Int
    private let progress: (Double) -> Void
    private var loadedByteCount = 0
    /// One for each thread, of as many bytes as the largest piece so far: pages are cleared once, not
    /// for every piece.
    private var buffers: [AlignedBuffer] = []
    /// Bytes of all packed matrices, norms and biases made so far.
    private(set) var packedByteCount = 0
    /// All packed matrices so far.
    private(set) var matrices: [PackedWeight] = []
    /// Whether all of them were cached.
    private(set) var hasFoundAll = true
    /// What is wrong with the cached ones.
    private(set) var problem: CachedWeights.Problem?

    init(
        file: GGUFFile,
        cached: CachedWeights?,
        pool: KernelThreadPool,
        totalByteCount: Int,
        progress: @escaping (Double) -> Void
    ) {
        self.file = file
        self.cached = cached
        self.pool = pool
        self.totalByteCount = totalByteCount
        self.progress = progress
    }

    /// Rows as floats, in order, all finite; of any type.
    ///
    /// Meant for what is small: norms, biases and the like.
    func floats(_ rows: TensorRows) throws(ModelError) -> [Float] {
        let values = try file.floats(rows)
        advance(rows.byteCount)
        return values
    }

    /// A norm's weights, a bias or the like.
    func vector(_ rows: TensorRows) throws(ModelError) -> FloatVector {
        FloatVector(try keptFloats(rows))
    }

    /// Floats that stay in memory.
    func keptFloats(_ rows: TensorRows) throws(ModelError) -> [Float] {
        let values = try floats(rows)
        packedByteCount += values.count * MemoryLayout<Float>.size
        return values
    }

    /// A matrix, packed, with rows in the order that the kernels want.
    func matrix(_ rows: TensorRows) throws(ModelError) -> PackedMatrix {
        let tensor = rows.tensor
        let (rowCount, columns) = (rows.range.count, rows.columnCount)
        guard PackedMatrix.isSupported(type: tensor.type, rows: rowCount, columns: columns) else {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        let matrix: PackedMatrix
        if let found = findCached(rows) {
            matrix = found
            advance(rows.byteCount)
        } else {
            hasFoundAll = false
            matrix = try pack(rows)
        }
        matrices.append(PackedWeight(key: rows.key, matrix: matrix))
        packedByteCount += matrix.byteCount
        return matrix
    }

    /// Which inputs the matrix' columns are for; nil: they are in order.
    func columnOrder(_ rows: TensorRows) -> ColumnOrder? {
        guard let columns = rows.tensor.columnOrder else { return nil }
        packedByteCount += rows.columnOrderByteCount
        return ColumnOrder(columns)
    }

    private func findCached(_ rows: TensorRows) -> PackedMatrix? {
        do throws(CachedWeights.Problem) {
            return try cached?.matrix(rows, pool: pool)
        } catch {
            problem = error
            return nil
        }
    }

    private func pack(_ rows: TensorRows) throws(ModelError) -> PackedMatrix {
        let tensor = rows.tensor
        let matrix: PackedMatrix
        do {
            matrix = try PackedMatrix(
                type: tensor.type,
                rows: rows.range.count,
                columns: rows.columnCount
            )
        } catch {
            throw .outOfMemory(what: "tensor '\(tensor.name)'", byteCount: rows.byteCount)
        }
        let pieces = try TensorPieces(rows, byteCount: Self.pieceByteCount)
        try makeRoom(for: pieces)
        // Rounds of a few pieces for each thread, so that progress is seen within a large tensor.
        let round = pool.threadCount * 8
        for first in stride(from: 0, to: pieces.count, by: round) {
            let range = first..<min(first + round, pieces.count)
            try pack(pieces, range, into: matrix)
            advance(pieces.rows(range).count * pieces.rowByteCount)
        }
        return matrix
    }

    private func makeRoom(for pieces: TensorPieces) throws(ModelError) {
        let byteCount = pieces.pieceByteCount
        if let buffer = buffers.first, buffer.byteCount >= byteCount { return }
        buffers = []
        do {
            for _ in 0..<pool.threadCount {
                buffers.append(try AlignedBuffer(byteCount: byteCount))
            }
        } catch {
            throw .outOfMemory(what: "reading the weights", byteCount: byteCount * pool.threadCount)
        }
    }

    private func pack(
        _ pieces: TensorPieces,
        _ range: Range<Int>,
        into matrix: PackedMatrix
    ) throws(ModelError) {
        let failure = Mutex<ModelError?>(nil)
        let (file, buffers) = (file, buffers)
        pool.run { thread, threadCount in
            do throws(ModelError) {
                for index in stride(
                    from: range.lowerBound + thread,
                    to: range.upperBound,
                    by: threadCount
                ) {
                    try pieces.pack(index, of: file, into: matrix, buffer: buffers[thread])
                }
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func advance(_ byteCount: Int) {
        loadedByteCount += byteCount
        progress(min(1, Double(loadedByteCount) / Double(max(totalByteCount, 1))))
    }
}

extension GGUFFile {
    /// Rows as floats, in order, all finite; of any type.
    func floats(_ rows: TensorRows) throws(ModelError) -> [Float] {
        let tensor = rows.tensor
        let bytes = try stored(rows)
        var values = [Float](repeating: 0, count: rows.elementCount)
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
        return rows.order.map { $0.map(values, rowLength: rows.columnCount) } ?? values
    }

    /// The bytes of rows, as the file has them.
    private func stored(_ rows: TensorRows) throws(ModelError) -> [UInt8] {
        do throws(GGUFError) {
            return try contents(
                of: rows.tensor,
                from: rows.range.lowerBound * (rows.byteCount / rows.range.count),
                count: rows.byteCount
            )
        } catch {
            throw .file(error)
        }
    }
}
