import Kernels
import ModelFiles
import Tensors

/// Rows of a tensor: all of it, or a part that is a weight of its own in a fused one.
///
/// Dimensions beyond the second count as more rows; a tensor of one dimension has rows of one
/// element.
struct TensorRows: Sendable {
    var tensor: GGUFTensor
    var range: Range<Int>
    /// Elements of a row.
    let columnCount: Int
    /// How the rows are to be put; nil: as they are.
    var order: RotaryRowOrder?

    /// All rows of `tensor`.
    init(_ tensor: GGUFTensor) {
        self.init(tensor, columnCount: tensor.dimensions.count == 1 ? 1 : tensor.dimensions[0])
    }

    /// All rows of `tensor`, of so many elements.
    init(_ tensor: GGUFTensor, columnCount: Int) {
        self.tensor = tensor
        self.columnCount = columnCount
        range = 0..<tensor.elementCount / columnCount
    }

    /// Some rows, which must be the tensor's.
    func part(_ range: Range<Int>, order: RotaryRowOrder? = nil) -> TensorRows {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= self.range.upperBound,
            "a part has rows of the whole"
        )
        var part = self
        part.range = range
        part.order = order
        return part
    }

    /// A tensor of one dimension as a matrix of one row.
    var asRow: TensorRows { TensorRows(tensor, columnCount: tensor.elementCount) }

    var elementCount: Int { range.count * columnCount }

    /// Bytes in the file.
    var byteCount: Int {
        tensor.byteCount / (tensor.elementCount / columnCount) * range.count
    }

    /// Bytes of the order of its columns in memory.
    var columnOrderByteCount: Int {
        (tensor.columnOrder?.count ?? 0) * MemoryLayout<Int32>.size
    }

    /// Bytes as a packed matrix.
    func packedByteCount() throws(ModelError) -> Int {
        let byteCount = PackedMatrix.byteCount(
            type: tensor.type,
            rows: range.count,
            columns: columnCount
        )
        guard let byteCount else {
            throw .unsupportedType(tensor: tensor.name, type: tensor.type.name)
        }
        return byteCount
    }
}
