import Platform
import Tensors

/// Writes an open model as a GGUF file.
///
/// The file grows beside its place and takes it when it is whole, so that nobody ever sees half of one.
package struct GGUFFileWriter {
    /// Tensors start at multiples of this, in bytes.
    private static let alignment = 32
    /// About how many bytes are read and written at a time.
    private static let pieceByteCount = 8 << 20

    private let model: GGUFFile

    /// Will write `model`, whose columns are in order: see ``GGUFFile/inModelOrder()``.
    package init(_ model: GGUFFile) {
        precondition(
            model.tensors.allSatisfy { $0.columnOrder == nil },
            "a file's columns are in the model's order"
        )
        self.model = model
    }

    /// Writes the file.
    ///
    /// - Parameters:
    ///   - path: Where; a file that is there is replaced.
    ///   - progress: Called with the fraction that is written, ascending to 1.
    /// - Throws: `GGUFError` if the model can't be read, `SystemError` if the file can't be written.
    package func write(to path: String, progress: (Double) -> Void = { _ in }) throws {
        let output = try ReplacementFile(path: path)
        try output.append(header())
        let total = max(1, model.tensors.reduce(0) { $0 + $1.byteCount })
        var written = 0
        for tensor in model.tensors {
            let rowByteCount = tensor.type.rowByteCount(elementCount: tensor.dimensions.first ?? 1)
            let row = max(1, rowByteCount ?? 1)
            let pieceLength = max(1, Self.pieceByteCount / row) * row
            for start in stride(from: 0, to: tensor.byteCount, by: pieceLength) {
                let count = min(pieceLength, tensor.byteCount - start)
                try output.append(try model.contents(of: tensor, from: start, count: count))
                written += count
                progress(Double(written) / Double(total))
            }
            try output.append(padding(tensor.byteCount))
        }
        try model.checkUnchanged()
        try output.finish()
    }

    /// Everything in front of the tensors' data.
    private func header() -> [UInt8] {
        var bytes = Array("GGUF".utf8)
        bytes.append(littleEndian: UInt32(3))
        bytes.append(littleEndian: UInt64(model.tensors.count))
        // Parts become one file with the usual alignment.
        let keys = model.metadata.keys.filter {
            !$0.hasPrefix("split.") && $0 != "general.alignment"
        }
        bytes.append(littleEndian: UInt64(keys.count))
        for key in keys {
            bytes.append(string: key)
            model.metadata.write(key, to: &bytes)
        }
        var offset = 0
        for tensor in model.tensors {
            bytes.append(string: tensor.name)
            bytes.append(littleEndian: UInt32(tensor.dimensions.count))
            for length in tensor.dimensions { bytes.append(littleEndian: Int64(length)) }
            bytes.append(littleEndian: tensor.type.rawValue)
            bytes.append(littleEndian: UInt64(offset))
            offset += tensor.byteCount + padding(tensor.byteCount).count
        }
        return bytes + padding(bytes.count)
    }

    private func padding(_ byteCount: Int) -> [UInt8] {
        let over = byteCount % Self.alignment
        return [UInt8](repeating: 0, count: over == 0 ? 0 : Self.alignment - over)
    }
}

extension GGUFFile {
    /// Reads `count` bytes of a tensor from `byteOffset` on.
    package func contents(
        of tensor: GGUFTensor,
        from byteOffset: Int,
        count: Int
    ) throws(GGUFError) -> [UInt8] {
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
        if let failure { throw failure }
        return bytes
    }
}
