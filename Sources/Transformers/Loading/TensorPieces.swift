import Kernels
import ModelFiles
import Platform
import Tensors

/// The rows of a matrix cut into runs that threads read and pack independently.
struct TensorPieces: Sendable {
    let matrix: TensorRows
    let rowByteCount: Int
    /// The number of pieces.
    let count: Int

    /// Bytes of the largest piece.
    var pieceByteCount: Int { min(rowsPerPiece, matrix.range.count) * rowByteCount }

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
    ///
    /// - Parameters:
    ///   - index: The piece.
    ///   - file: Where the tensor is.
    ///   - packed: Gets the rows.
    ///   - buffer: Memory of the calling thread alone, of `pieceByteCount` or more.
    /// - Throws: Why the rows cannot be read, or that they are no numbers.
    func pack(
        _ index: Int,
        of file: GGUFFile,
        into packed: PackedMatrix,
        buffer: AlignedBuffer
    ) throws(ModelError) {
        let rows = rows(index)
        // Safety: the piece is not larger than the buffer, which lives as long as this call.
        let bytes = unsafe UnsafeMutableRawBufferPointer(
            rebasing: buffer.bytes[..<(rows.count * rowByteCount)]
        )
        do throws(GGUFError) {
            // Safety: as above.
            try unsafe file.read(
                matrix.tensor,
                byteOffset: (matrix.range.lowerBound + rows.lowerBound) * rowByteCount,
                into: bytes
            )
        } catch {
            throw .file(error)
        }
        if let order = matrix.order {
            // Safety: the ordered rows are as many bytes as there were.
            unsafe bytes.copyBytes(from: order.map(Array(bytes), rowLength: rowByteCount))
        }
        // Safety: the buffer holds `rows.count` rows in the tensor's layout.
        unsafe packed.pack(
            UnsafeRawBufferPointer(bytes),
            firstRow: rows.lowerBound,
            rowCount: rows.count
        )
        guard packed.isFinite(firstRow: rows.lowerBound, rowCount: rows.count) else {
            throw .nonFinite(tensor: matrix.tensor.name)
        }
    }
}
