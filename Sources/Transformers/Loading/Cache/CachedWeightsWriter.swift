import Kernels
package import Platform
import Tensors

/// One packed matrix of a loaded model.
package struct PackedWeight: Sendable {
    /// ``TensorRows/key``.
    let key: String
    let matrix: PackedMatrix
}

/// Writes a model's packed weights to a file, for ``CachedWeights`` to find.
///
/// The matrices are only read, so that the model may be in use meanwhile. Confined to its thread.
package struct CachedWeightsWriter: ~Copyable {
    private let output: FileDescriptor
    private let rest: () -> Void
    private var offset = 0

    /// Writes a whole file: first the matrices, last what makes it one.
    ///
    /// - Parameters:
    ///   - matrices: All of a model's.
    ///   - identity: The model's.
    ///   - descriptor: Open for writing, of an empty file; it is closed.
    ///   - rest: Called on this thread after each mebibyte or so.
    /// - Throws: What write(2) reports; the file is of no use then.
    package static func write(
        _ matrices: [PackedWeight],
        identity: String,
        owning descriptor: Int32,
        rest: @escaping () -> Void
    ) throws(SystemError) {
        var writer = CachedWeightsWriter(output: FileDescriptor(owning: descriptor), rest: rest)
        var index = CachedWeightsIndex(
            identity: identity,
            layout: PackedMatrix.layoutFingerprint
        )
        try writer.append(CachedWeightsIndex.opening)
        for weight in matrices { index.entries.append(try writer.append(weight)) }
        try writer.append(index.serialized(at: writer.offset))
    }

    private init(output: consuming FileDescriptor, rest: @escaping () -> Void) {
        self.output = output
        self.rest = rest
    }

    private mutating func append(
        _ weight: PackedWeight
    ) throws(SystemError) -> CachedWeightsIndex.Entry {
        let alignment = CachedWeightsIndex.alignment
        try append([UInt8](repeating: 0, count: (alignment - offset % alignment) % alignment))
        let matrix = weight.matrix
        var entry = CachedWeightsIndex.Entry(
            key: weight.key,
            type: matrix.type.rawValue,
            rows: matrix.rows,
            columns: matrix.columns,
            offset: offset,
            byteCount: matrix.byteCount,
            checksums: []
        )
        for piece in PieceChecksum.pieces(of: matrix.byteCount) {
            // Safety: the piece lies in the matrix, whose bytes are valid during the call.
            try unsafe matrix.withBytes { bytes throws(SystemError) in
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes[piece])
                unsafe entry.checksums.append(PieceChecksum.value(of: bytes))
                try unsafe output.writeAll(bytes, path: Self.name)
            }
            offset += piece.count
            rest()
        }
        return entry
    }

    private mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        try output.writeAll(bytes, path: Self.name)
        offset += bytes.count
    }

    private static let name = "cached weights"
}
