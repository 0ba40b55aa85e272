import Kernels
import ModelFiles
import Tensors

/// A matrix tensor cut into runs of whole rows that threads read and pack independently.
struct TensorPieces: Sendable {
    let tensor: GGUFTensor
    let rowByteCount: Int
    /// The number of pieces.
    let count: Int

    private let rowCount: Int
    private let rowsPerPiece: Int

    /// Pieces of about `byteCount` bytes, each a multiple of `unit` rows but the last.
    init(tensor: GGUFTensor, unit: Int, byteCount: Int) throws(ModelError) {
        guard let rowByteCount = tensor.type.rowByteCount(elementCount: tensor.dimensions[0]) else {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        self.tensor = tensor
        self.rowByteCount = rowByteCount
        rowCount = tensor.dimensions[1]
        rowsPerPiece = max(1, byteCount / rowByteCount / unit) * unit
        count = (rowCount + rowsPerPiece - 1) / rowsPerPiece
    }

    /// The rows of one piece.
    func rows(_ index: Int) -> Range<Int> {
        index * rowsPerPiece..<min(rowCount, (index + 1) * rowsPerPiece)
    }

    /// The rows of consecutive pieces.
    func rows(_ range: Range<Int>) -> Range<Int> {
        rows(range.lowerBound).lowerBound..<rows(range.upperBound - 1).upperBound
    }

    /// Reads piece `index`, puts its rows in `order`, packs them, and checks that they are finite.
    func pack(
        _ index: Int,
        of file: GGUFFile,
        order: RotaryRowOrder?,
        into matrix: PackedMatrix
    ) throws(ModelError) {
        let rows = rows(index)
        var bytes = try file.bytes(
            of: tensor,
            from: rows.lowerBound * rowByteCount,
            count: rows.count * rowByteCount
        )
        if let order { bytes = order.map(bytes, rowLength: rowByteCount) }
        // Safety: the buffer holds `rows.count` rows in the tensor's layout.
        unsafe bytes.withUnsafeBytes {
            unsafe matrix.pack($0, firstRow: rows.lowerBound, rowCount: rows.count)
        }
        guard matrix.isFinite(firstRow: rows.lowerBound, rowCount: rows.count) else {
            throw .nonFinite(tensor: tensor.name)
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
