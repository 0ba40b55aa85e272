package import Tensors

/// A tensor of a model file: what it is called, how it is stored, and where.
package struct GGUFTensor: Sendable, Hashable {
    /// The name, unique in the model; at most 63 bytes.
    package let name: String
    /// How the elements are stored.
    package let type: TensorType
    /// Lengths, **fastest first**: for a matrix `[columns, rows]`.
    ///
    /// At most four, each at least 0; their product fits an Int. The first is a multiple of the
    /// type's quantised block.
    package let dimensions: [Int]
    /// Bytes of all elements, without padding; they lie within the file.
    package let byteCount: Int
    /// Which part of a split model holds it, from 0.
    package let partIndex: Int
    /// Where the data starts in that part, in bytes from its start.
    package let fileOffset: Int
    /// Which of the model's columns each column is; nil: all are in order.
    ///
    /// A quantised matrix of a folder has an order if its columns with a common scale are neighbours
    /// only so. GGUF files know none: see ``GGUFFile/inModelOrder()``.
    package var columnOrder: [Int32]?

    /// The number of elements.
    package var elementCount: Int { dimensions.reduce(1, *) }
}
