import Kernels
import ModelFiles
import Tensors

/// The rows of a matrix cut into runs that threads read and pack independently.
struct TensorPieces: Sendable {
    let matrix: TensorRows
    let rowByteCount: Int
    /// The number of pieces.
    let count: Int

    private let rowsPerPiece: Int

    /// Pieces of about `byteCount` bytes, each of whole strips and whole heads but the last.
    init(_ matrix: TensorRows, byteCount: Int) throws(ModelError) {
        let tensor = matrix.tensor
        guard let rowByteCount = tensor.type.rowByteCount(elementCount: matrix.columnCount) else {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        self.matrix = matrix
        self.rowByteCount = rowByteCount
        // Heads are whole strips long.
        let unit = matrix.order?.headDimension ?? Int(PackedMatrix.stripRowCount)
        rowsPerPiece = max(1, byteCount / rowByteCount / unit) * unit
        count = (matrix.range.count + rowsPerPiece - 1) / rowsPerPiece
    }

    /// The rows of one piece, counted from the matrix' first.
    func rows(_ index: Int) -> Range<Int> {
        index * rowsPerPiece..<min(matrix.range.count, (index + 1) * rowsPerPiece)
    }

    /// The rows of consecutive pieces.
    func rows(_ range: Range<Int>) -> Range<Int> {
        rows(range.lowerBound).lowerBound..<rows(range.upperBound - 1).upperBound
    }

    /// Reads piece `index`, puts its rows in order, packs them, and checks that they are finite.
    func pack(
        _ index: Int,
        of file: GGUFFile,
        into packed: PackedMatrix
    ) throws(ModelError) {
        let rows = rows(index)
        var bytes = try file.bytes(
            of: matrix.tensor,
            from: (matrix.range.lowerBound + rows.lowerBound) * rowByteCount,
            count: rows.count * rowByteCount
        )
        if let order = matrix.order { bytes = order.map(bytes, rowLength: rowByteCount) }
        // Safety: the buffer holds `rows.count` rows in the tensor's layout.
        unsafe bytes.withUnsafeBytes {
            unsafe packed.pack($0, firstRow: rows.lowerBound, rowCount: rows.count)
        }
        guard packed.isFinite(firstRow: rows.lowerBound, rowCount: rows.count) else {
            throw .nonFinite(tensor: matrix.tensor.name)
        }
    }
}

extension GGUFFile {
    /// Reads `count` bytes of `tensor` from `byteOffset` on.
    func bytes(of tensor: GGUFTensor, from byteOffset: Int, count: Int) throws(ModelError)
        -> [UInt8]
    {
        var bytes = [UInt8](repeating: 0, count: count)
        // Safety: the buffer is the array's own storage, for the time of the call.
        let failure: GGUFError? = unsafe bytes.withUnsafeMutableBytes { buffer in
            do throws(GGUFError) {
                try unsafe read(tensor, byteOffset: byteOffset, into: buffer)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw .file(failure) }
        return bytes
    }
}
