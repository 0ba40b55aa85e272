import CKernels
import Kernels
import Platform
import TestSupport
import Tensors
import Testing

@Suite(.timeLimit(.minutes(15))) struct PackedMatrixTests {
    /// Columns that make whole blocks: one block, a few, and a number of them that is odd.
    static func columnCounts(_ type: TensorType) -> [Int] {
        switch type.blockElementCount {
        case 256: [256, 768]
        case 32: [32, 64, 96, 576]
        default: [1, 31, 64, 100]
        }
    }

    func gather(_ matrix: PackedMatrix, row: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: matrix.columns) { buffer, count in
            let whole = UnsafeMutableBufferPointer(rebasing: buffer[0..<matrix.columns])
            matrix.gather(row: row, into: whole)
            count = matrix.columns
        }
    }

    /// The engine's own scalar reference, so that both references are held against each other.
    func dequantize(_ bytes: [UInt8], _ type: TensorType) throws -> [Float] {
        let count = bytes.count / type.blockByteCount * type.blockElementCount
        var values = [Float](repeating: 0, count: count)
        try bytes.withUnsafeBytes { source in
            try values.withUnsafeMutableBufferPointer {
                try BlockDequantizer.dequantize(source, type: type, into: $0)
            }
        }
        return values
    }

    @Test(arguments: WeightFormat.all)
    func `a gathered row equals the file's row bit for bit`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue))
        for columns in Self.columnCounts(type) {
            for rows in [1, 15, 16, 17, 33] {
                let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
                let matrix = try PackedMatrix(
                    packing: bytes,
                    type: type,
                    rows: rows,
                    columns: columns
                )
                let reference = ReferenceMatrix(
                    type: type,
                    rows: rows,
                    columns: columns,
                    bytes: bytes
                )
                for row in 0..<rows {
                    #expect(bits(gather(matrix, row: row)) == bits(reference.values[row]))
                }
                #expect(try bits(dequantize(bytes, type)) == bits(reference.values.flatMap { $0 }))
            }
        }
    }

    @Test(arguments: WeightFormat.all)
    func `every scale of half precision survives packing`(type: TensorType) throws {
        var random = SeededGenerator(seed: 7)
        let columns = type.blockElementCount == 256 ? 256 : 32
        let values: [Float16] = [
            0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
            0x1.ff8p-15, 1, -1, .greatestFiniteMagnitude,
        ]
        for value in values {
            let bytes = randomBlocks(type, rows: 3, columns: columns, using: &random) { _ in value }
            let matrix = try PackedMatrix(packing: bytes, type: type, rows: 3, columns: columns)
            let reference = ReferenceMatrix(type: type, rows: 3, columns: columns, bytes: bytes)
            for row in 0..<3 {
                #expect(bits(gather(matrix, row: row)) == bits(reference.values[row]))
            }
        }
    }

    @Test(arguments: WeightFormat.all)
    func `packing in pieces and out of order equals packing at once`(type: TensorType) throws {
        var random = SeededGenerator(seed: 3)
        let (rows, columns) = (53, type.blockElementCount == 256 ? 512 : 96)
        let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
        let whole = try PackedMatrix(packing: bytes, type: type, rows: rows, columns: columns)
        let pieces = try PackedMatrix(type: type, rows: rows, columns: columns)
        let rowBytes = pieces.sourceRowByteCount
        for range in [48..<53, 16..<48, 0..<16] {
            Array(bytes[range.lowerBound * rowBytes..<range.upperBound * rowBytes])
                .withUnsafeBytes {
                    pieces.pack($0, firstRow: range.lowerBound, rowCount: range.count)
                }
        }
        for row in 0..<rows {
            #expect(bits(gather(pieces, row: row)) == bits(gather(whole, row: row)))
        }
    }

    @Test(arguments: WeightFormat.all)
    func `packing a strip touches that strip alone`(type: TensorType) throws {
        var random = SeededGenerator(seed: 4)
        let (rows, columns) = (40, type.blockElementCount == 256 ? 256 : 32)
        let (r, c, id) = (Int32(rows), Int32(columns), Int32(type.rawValue))
        let byteCount = torii_matrix_quant_bytes(id, r, c) + torii_matrix_scale_bytes(id, r, c)
        let margin = 64
        let storage = try AlignedBuffer(byteCount: byteCount + 2 * margin)
        storage.bytes.copyBytes(from: Array(repeating: 0xA5, count: byteCount + 2 * margin))
        var matrix = torii_matrix()
        #expect(torii_matrix_init(&matrix, id, r, c, storage.baseAddress + margin))
        let stripByteCount = matrix.quant_stride
        for first in stride(from: 16, through: 32, by: 16) {
            let count = min(16, rows - first)
            let bytes = randomBlocks(type, rows: count, columns: columns, using: &random)
            bytes.withUnsafeBytes {
                torii_matrix_pack(&matrix, $0.baseAddress, Int32(first), Int32(count))
            }
        }
        let untouched = storage.bytes[0..<margin + stripByteCount].allSatisfy { $0 == 0xA5 }
        #expect(untouched && storage.bytes[(margin + byteCount)...].allSatisfy { $0 == 0xA5 })
    }

    @Test(arguments: WeightFormat.all)
    func `a weight that is no number is found`(type: TensorType) throws {
        var random = SeededGenerator(seed: 5)
        let (rows, columns) = (20, type.blockElementCount == 256 ? 512 : 64)
        var bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
        let sound = try PackedMatrix(packing: bytes, type: type, rows: rows, columns: columns)
        #expect(sound.isFinite(firstRow: 0, rowCount: rows))
        // The last row's last block; float types: its last element's exponent.
        let block = bytes.count - type.blockByteCount
        let offsets = WeightFormat(type: type).halfOffsets
        if offsets.isEmpty {
            bytes[bytes.count - 1] = 0x7F
            bytes[bytes.count - 2] = 0xFF
        }
        for offset in offsets.isEmpty ? [0] : offsets {
            var broken = bytes
            if type == .mxfp4 { broken[block] = 0xFF }
            if !offsets.isEmpty { setHalf(-.infinity, at: block + offset, in: &broken) }
            let matrix = try PackedMatrix(packing: broken, type: type, rows: rows, columns: columns)
            #expect(!matrix.isFinite(firstRow: 0, rowCount: rows))
            #expect(matrix.isFinite(firstRow: 0, rowCount: 16))
            #expect(!matrix.isFinite(firstRow: 16, rowCount: 4))
        }
    }

    @Test func `the packed form is at most four per cent larger than the file's`() throws {
        for type in WeightFormat.all {
            let (rows, columns) = (1024, 1536)
            let source = try #require(type.rowByteCount(elementCount: columns)) * rows
            let packed = try #require(
                PackedMatrix.byteCount(type: type, rows: rows, columns: columns)
            )
            #expect(packed >= source && Double(packed) <= 1.04 * Double(source), "\(type)")
        }
    }

    @Test func `only types and shapes with kernels are supported`() {
        for type in TensorType.allCases where !WeightFormat.all.contains(type) {
            #expect(!PackedMatrix.isSupported(type: type, rows: 16, columns: 256), "\(type)")
        }
        #expect(!PackedMatrix.isSupported(type: .q4_0, rows: 16, columns: 48))
        #expect(!PackedMatrix.isSupported(type: .q4_K, rows: 16, columns: 96))
        #expect(!PackedMatrix.isSupported(type: .f32, rows: 0, columns: 32))
        #expect(!PackedMatrix.isSupported(type: .f32, rows: 1 << 40, columns: 32))
        #expect(PackedMatrix.byteCount(type: .q8_0, rows: 16, columns: -32) == nil)
    }
}
