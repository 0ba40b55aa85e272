package import CKernels
package import Platform
package import Tensors

// Safety: the stored properties are immutable. `pack` writes only the strips of its own rows, and
// whoever packs orders that before any reading.

/// A weight matrix in the kernels' own layout: 16 rows side by side, quants as in the file.
///
/// Filled once by `pack`, which may run on several threads for different rows; read-only and safe
/// from any thread afterwards. Owns its memory, about as many bytes as the file has (rows are
/// rounded up to a multiple of 16; Q4_K and Q5_K take 2.8 % and 2.3 % more), or lies in a file that
/// is mapped.
@safe
package final class PackedMatrix: @unchecked Sendable {
    /// The element type of the file's rows, which the packed form keeps.
    package let type: TensorType
    /// Outputs.
    package let rows: Int
    /// Inputs.
    package let columns: Int
    /// The bytes that the packed form takes.
    package let byteCount: Int

    /// What keeps the bytes, and where they are.
    private enum Storage {
        case own(AlignedBuffer)
        case mapped(MappedFile, Range<Int>)
    }

    private let storage: Storage
    private let matrix: torii_matrix

    /// Rows that are packed together; `pack` takes whole multiples but at the end.
    package static let stripRowCount = TORII_STRIP_ROWS

    /// Whether there are kernels for the type, and whether rows of `columns` are whole blocks.
    package static func isSupported(type: TensorType, rows: Int, columns: Int) -> Bool {
        guard let rows = Int32(exactly: rows), let columns = Int32(exactly: columns) else {
            return false
        }
        return torii_matrix_supported(type.kernelID, rows, columns)
    }

    /// The bytes that a packed matrix takes, for plans made before anything is loaded; nil if it
    /// isn't supported.
    package static func byteCount(type: TensorType, rows: Int, columns: Int) -> Int? {
        guard isSupported(type: type, rows: rows, columns: columns) else { return nil }
        let (rows, columns) = (Int32(rows), Int32(columns))
        return torii_matrix_quant_bytes(type.kernelID, rows, columns)
            + torii_matrix_scale_bytes(type.kernelID, rows, columns)
    }

    /// Reserves the memory of a matrix of zeros.
    ///
    /// `isSupported` must hold.
    ///
    /// - Throws: ENOMEM.
    package init(type: TensorType, rows: Int, columns: Int) throws(SystemError) {
        byteCount = Self.neededByteCount(type, rows, columns)
        self.type = type
        self.rows = rows
        self.columns = columns
        let buffer = try AlignedBuffer(byteCount: byteCount)
        storage = .own(buffer)
        // Safety: the buffer has the size asked for, is page aligned and lives as long as `self`.
        unsafe matrix = unsafe Self.layOut(type, rows, columns, in: buffer.baseAddress)
    }

    /// Takes a matrix as ``withBytes(_:)`` gave it, which lies in a file.
    ///
    /// `isSupported` must hold. The matrix is only read.
    ///
    /// - Parameters:
    ///   - type: The element type of the rows.
    ///   - rows: Outputs.
    ///   - columns: Inputs.
    ///   - file: Where it lies.
    ///   - offset: Where it begins, a multiple of 64.
    package init(type: TensorType, rows: Int, columns: Int, in file: MappedFile, at offset: Int) {
        byteCount = Self.neededByteCount(type, rows, columns)
        precondition(offset % 64 == 0, "a packed matrix begins at a multiple of 64")
        self.type = type
        self.rows = rows
        self.columns = columns
        let range = offset..<offset + byteCount
        storage = .mapped(file, range)
        // Safety: the kernels only read; the file stays mapped as long as `self` lives.
        unsafe matrix = unsafe Self.layOut(
            type,
            rows,
            columns,
            in: UnsafeMutableRawPointer(mutating: file.bytes(range).baseAddress)
        )
    }

    private static func neededByteCount(_ type: TensorType, _ rows: Int, _ columns: Int) -> Int {
        guard let byteCount = byteCount(type: type, rows: rows, columns: columns) else {
            preconditionFailure("no kernels for \(type) [\(rows), \(columns)]; see isSupported")
        }
        return byteCount
    }

    private static func layOut(
        _ type: TensorType,
        _ rows: Int,
        _ columns: Int,
        in address: UnsafeMutableRawPointer?
    ) -> torii_matrix {
        var matrix = unsafe torii_matrix()
        // Safety: this only computes where the parts begin.
        unsafe torii_matrix_init(&matrix, type.kernelID, Int32(rows), Int32(columns), address)
        return unsafe matrix
    }

    /// Gives the packed form, to be kept in a file; its bytes are valid during the call.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch storage {
        // Safety: the storage lives as long as `self`, and is not written to once it is packed.
        case .own(let buffer):
            try unsafe body(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<byteCount]))
        case .mapped(let file, let range): try unsafe body(file.bytes(range))
        }
    }

    /// The bytes of one row in the file's layout.
    package var sourceRowByteCount: Int {
        torii_matrix_source_row_bytes(type.kernelID, Int32(columns))
    }

    /// Packs rows `firstRow ..< firstRow + rowCount`.
    ///
    /// - Parameters:
    ///   - source: The rows in the file's layout, one after the other, nothing else.
    ///   - firstRow: A multiple of `stripRowCount`.
    ///   - rowCount: A multiple of `stripRowCount` unless the rows reach the end of the matrix.
    package func pack(_ source: UnsafeRawBufferPointer, firstRow: Int, rowCount: Int) {
        checkStrips(firstRow: firstRow, rowCount: rowCount)
        guard case .own = storage else { preconditionFailure("a matrix in a file is packed") }
        precondition(
            source.count == rowCount * sourceRowByteCount,
            "the source of a packed matrix is exactly the rows asked for"
        )
        guard rowCount > 0, let address = source.baseAddress else { return }
        // Safety: the source's length was checked above, the rows lie inside the storage.
        var matrix = unsafe matrix
        unsafe torii_matrix_pack(&matrix, address, Int32(firstRow), Int32(rowCount))
    }

    /// Whether the scales (of quantised types) or weights (of float types) of the rows are numbers.
    ///
    /// One NaN or infinity poisons every result, so a loader asks this of every tensor.
    package func isFinite(firstRow: Int, rowCount: Int) -> Bool {
        checkStrips(firstRow: firstRow, rowCount: rowCount)
        let stripRowCount = Self.stripRowCount
        let strips = (rowCount + stripRowCount - 1) / stripRowCount
        // Safety: the strips lie inside the storage.
        var matrix = unsafe matrix
        return unsafe torii_matrix_is_finite(
            &matrix,
            Int32(firstRow / stripRowCount),
            Int32(strips)
        )
    }

    /// Reads one row back, dequantised exactly as the file's layout defines it.
    package func gather(row: Int, into values: UnsafeMutableBufferPointer<Float>) {
        precondition((0..<rows).contains(row), "row \(row) is not in 0..<\(rows)")
        precondition(values.count == columns, "a row has \(columns) elements, not \(values.count)")
        guard let address = values.baseAddress else { return }
        // Safety: row and length were checked above.
        var matrix = unsafe matrix
        unsafe torii_matrix_gather_row(&matrix, Int32(row), address)
    }

    /// Gives the kernels' view of the matrix; its pointers are valid while `self` lives.
    package func withMatrix<Result>(_ body: (torii_matrix) throws -> Result) rethrows -> Result {
        unsafe try body(matrix)
    }

    private func checkStrips(firstRow: Int, rowCount: Int) {
        let stripRowCount = Self.stripRowCount
        precondition(
            firstRow >= 0 && rowCount >= 0 && rowCount <= rows - firstRow,
            "rows \(firstRow)..<\(firstRow)+\(rowCount) are not in 0..<\(rows)"
        )
        precondition(
            firstRow % stripRowCount == 0
                && (rowCount % stripRowCount == 0 || firstRow + rowCount == rows),
            "rows are packed in whole strips of \(stripRowCount)"
        )
    }
}

extension PackedMatrix {
    /// Changes with the layout of any type: a sum over packed samples.
    ///
    /// Packed bytes that were written under another fingerprint mean something else.
    package static let layoutFingerprint: UInt64 = {
        let (rows, columns) = (2 * stripRowCount, 512)
        var sum = FNV1a.basis
        for type in TensorType.allCases
        where isSupported(type: type, rows: rows, columns: columns) {
            // Too little memory for some kilobytes is no state to go on in.
            guard let sample = try? PackedMatrix(type: type, rows: rows, columns: columns) else {
                preconditionFailure("a sample of packed rows takes some kilobytes")
            }
            let bytes = (0..<rows * sample.sourceRowByteCount).map {
                UInt8(truncatingIfNeeded: $0 &* 0x9e37_79b1 >> 7)
            }
            // Safety: the array outlives the call, which only reads it.
            unsafe bytes.withUnsafeBytes {
                unsafe sample.pack($0, firstRow: 0, rowCount: rows)
            }
            // Safety: the packed bytes are read during the call.
            sum = unsafe sample.withBytes { unsafe FNV1a.sum(of: $0, after: sum) }
        }
        return sum
    }()
}

extension TensorType {
    /// The type's number as the C kernels take it: GGUF's.
    var kernelID: Int32 { Int32(bitPattern: rawValue) }
}
