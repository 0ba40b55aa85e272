import Kernels
import TestSupport
import Tensors
import Testing

/// Every instruction set against the reference, bit for bit.
@Suite(.timeLimit(.minutes(15))) struct MatrixMultiplicationTests {
    static func columns(_ type: TensorType) -> Int { type.blockElementCount == 256 ? 512 : 352 }

    /// Compares all instruction sets with the reference on these weights and activations.
    func compare(
        _ type: TensorType,
        rows: Int,
        columns: Int,
        bytes: [UInt8],
        activations: [[Float]],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let matrix = try PackedMatrix(packing: bytes, type: type, rows: rows, columns: columns)
        let reference = ReferenceMatrix(type: type, rows: rows, columns: columns, bytes: bytes)
        let expected = matrix.withSentinels(reference.product(activations.map { .init($0) }))
        for set in InstructionSet.supported {
            let result = matrix.multiply(try KernelActivations(activations, set), set)
            #expect(
                bits(result) == bits(expected),
                "\(set) \(type) [\(rows), \(columns)] x \(activations.count)",
                sourceLocation: sourceLocation
            )
        }
    }

    @Test(arguments: WeightFormat.all)
    func `random weights and activations`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 100)
        let columns = Self.columns(type)
        let bytes = randomBlocks(type, rows: 48, columns: columns, using: &random)
        let activations = randomActivations(tokens: 7, columns: columns, using: &random)
        try compare(type, rows: 48, columns: columns, bytes: bytes, activations: activations)
    }

    @Test(arguments: WeightFormat.all)
    func `one to thirty-three rows`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 200)
        let columns = type.blockElementCount == 256 ? 256 : type.blockElementCount == 1 ? 33 : 64
        for rows in 1...33 {
            let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
            for tokens in [1, 2] {
                let activations = randomActivations(
                    tokens: tokens,
                    columns: columns,
                    using: &random
                )
                try compare(
                    type,
                    rows: rows,
                    columns: columns,
                    bytes: bytes,
                    activations: activations
                )
            }
        }
    }

    /// With one token kernels may walk many rows in other ways than few.
    @Test(arguments: WeightFormat.all)
    func `many rows and one token`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 250)
        for rows in [63, 64, 65, 100, 150] {
            let columns = Self.columns(type)
            let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
            let activations = randomActivations(tokens: 1, columns: columns, using: &random)
            try compare(type, rows: rows, columns: columns, bytes: bytes, activations: activations)
        }
    }

    @Test(arguments: WeightFormat.all)
    func `one to nineteen tokens`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 300)
        let columns = type.blockElementCount == 256 ? 256 : type.blockElementCount == 1 ? 7 : 32
        let bytes = randomBlocks(type, rows: 20, columns: columns, using: &random)
        let activations = randomActivations(tokens: 19, columns: columns, using: &random)
        for tokens in 1...19 {
            try compare(
                type,
                rows: 20,
                columns: columns,
                bytes: bytes,
                activations: Array(activations[..<tokens])
            )
        }
    }

    @Test(arguments: WeightFormat.quantised)
    func `more columns and tokens than are multiplied at once`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 350)
        let columns = 1024 + 256
        let bytes = randomBlocks(type, rows: 3, columns: columns, using: &random)
        let activations = randomActivations(tokens: 131, columns: columns, using: &random)
        try compare(type, rows: 3, columns: columns, bytes: bytes, activations: activations)
    }

    @Test(arguments: WeightFormat.quantised)
    func `every number of sub-blocks`(type: TensorType) throws {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 400)
        let block = type.blockElementCount
        for columns in stride(from: block, through: block == 256 ? 1024 : 640, by: block) {
            let bytes = randomBlocks(type, rows: 18, columns: columns, using: &random)
            let activations = randomActivations(tokens: 3, columns: columns, using: &random)
            try compare(type, rows: 18, columns: columns, bytes: bytes, activations: activations)
        }
    }

    /// Bytes that make every quant of a block the same extreme, or alternate between extremes.
    @Test(
        arguments: WeightFormat.quantised,
        [[0xFF], [0x00], [0xFF, 0x00], [0x80], [0x7F], [0x80, 0x7F], [0x81, 0x80]] as [[UInt8]]
    )
    func `extreme quants meet extreme activations`(type: TensorType, pattern: [UInt8]) throws {
        let columns = Self.columns(type)
        var block = (0..<type.blockByteCount).map { pattern[$0 % pattern.count] }
        for offset in WeightFormat(type: type).halfOffsets { setHalf(0.25, at: offset, in: &block) }
        func bytes(rows: Int) -> [UInt8] {
            let blockCount = rows * columns / type.blockElementCount
            return Array(repeatElement(block, count: blockCount).joined())
        }
        let activations: [[Float]] = [
            (0..<columns).map { _ in 1 },
            (0..<columns).map { _ in -1 },
            (0..<columns).map { $0 % 2 == 0 ? 1 : -1 },
            (0..<columns).map { $0 % 2 == 0 ? -1 : 1 },
            (0..<columns).map { $0 % 32 == 0 ? 1 : 0 },
        ]
        // All of them, so many that weights are unpacked once for all, and one alone.
        let cases = [(17, activations), (17, activations + activations)]
        for (rows, activations) in cases + activations.map({ (65, [$0]) }) {
            try compare(
                type,
                rows: rows,
                columns: columns,
                bytes: bytes(rows: rows),
                activations: activations
            )
        }
    }

    @Test(
        arguments: WeightFormat.quantised,
        [0, -0.0, .leastNonzeroMagnitude, -0x1p-15, .greatestFiniteMagnitude, .infinity, .nan]
            as [Float16]
    )
    func `zero, subnormal, large and broken scales`(type: TensorType, scale: Float16) throws {
        var random = SeededGenerator(seed: 8)
        let columns = Self.columns(type)
        for (rows, tokens) in [(5, 3), (65, 1)] {
            let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random) {
                Bool.random(using: &$0) ? scale : 0.5
            }
            let activations = randomActivations(tokens: tokens, columns: columns, using: &random)
            try compare(type, rows: rows, columns: columns, bytes: bytes, activations: activations)
        }
    }

    @Test(
        arguments: WeightFormat.quantised,
        [
            0, .leastNonzeroMagnitude, 0x1p-127, 0x1p-101, 0x1p-100, 1e30, .greatestFiniteMagnitude,
            .infinity, .nan,
        ]
            as [Float]
    )
    func `zero, subnormal, large and broken activations`(type: TensorType, value: Float) throws {
        var random = SeededGenerator(seed: 9)
        let columns = Self.columns(type)
        var activations = randomActivations(tokens: 2, columns: columns, using: &random)
        activations.append((0..<columns).map { $0 % 3 == 0 ? -value : 0 })
        activations[0][columns / 2] = value
        for (rows, activations) in [(5, activations)] + activations.map({ (65, [$0]) }) {
            let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
            try compare(type, rows: rows, columns: columns, bytes: bytes, activations: activations)
        }
    }
}
