import Kernels
import TestSupport
import Tensors
import Testing

/// The same bits however the work is cut, and whatever is added to the product.
@Suite(.timeLimit(.minutes(15))) struct MultiplicationSplitTests {
    static let cases = InstructionSet.supported.flatMap { set in
        WeightFormat.all.map { (set, $0) }
    }

    func makeOperands(
        _ type: TensorType,
        _ set: InstructionSet,
        rows: Int,
        tokens: Int
    ) throws -> (PackedMatrix, KernelActivations) {
        var random = SeededGenerator(seed: UInt64(type.rawValue) + 500)
        let columns = type.blockElementCount == 256 ? 256 : 64
        let bytes = randomBlocks(type, rows: rows, columns: columns, using: &random)
        let activations = randomActivations(tokens: tokens, columns: columns, using: &random)
        return (
            try PackedMatrix(packing: bytes, type: type, rows: rows, columns: columns),
            try KernelActivations(activations, set)
        )
    }

    @Test(arguments: cases)
    func `every split of the tokens gives the same bits`(
        set: InstructionSet,
        type: TensorType
    ) throws {
        let (matrix, activations) = try makeOperands(type, set, rows: 40, tokens: 9)
        let whole = bits(matrix.multiply(activations, set))
        for first in 1..<9 {
            for second in first..<9 {
                let calls = [0..<first, first..<second, second..<9].map {
                    KernelCall(tokens: $0, strips: 0..<3)
                }
                let split = matrix.multiply(activations, set, calls: calls)
                #expect(bits(split) == whole, "\(first) \(second)")
            }
        }
    }

    @Test(arguments: cases)
    func `every split of the strips gives the same bits`(
        set: InstructionSet,
        type: TensorType
    ) throws {
        for tokens in [1, 3] {
            let (matrix, activations) = try makeOperands(type, set, rows: 139, tokens: tokens)
            let whole = bits(matrix.multiply(activations, set))
            for first in 0...9 {
                for second in first...9 {
                    let calls = [second..<9, 0..<first, first..<second].map {
                        KernelCall(tokens: 0..<tokens, strips: $0)
                    }
                    let split = matrix.multiply(activations, set, calls: calls)
                    #expect(bits(split) == whole, "\(first) \(second)")
                }
            }
        }
    }

    @Test(arguments: cases)
    func `bias is added to the product, and both to what is there`(
        set: InstructionSet,
        type: TensorType
    ) throws {
        var random = SeededGenerator(seed: 600)
        let rows = 35
        for tokens in [1, 2] {
            let (matrix, activations) = try makeOperands(type, set, rows: rows, tokens: tokens)
            let product = matrix.multiply(activations, set)
            let bias = (0..<rows).map { _ in Float.random(in: -1...1, using: &random) }
            let before = (0..<tokens * (rows + 1)).map { index in
                index % (rows + 1) == rows ? .infinity : Float.random(in: -1...1, using: &random)
            }
            let biased = product.indices.map { index in
                index % (rows + 1) == rows
                    ? product[index] : product[index] + bias[index % (rows + 1)]
            }
            let both = zip(before, biased).map { $0 + $1 }
            let sum = zip(before, product).map { $0 + $1 }
            #expect(bits(matrix.multiply(activations, set, bias: bias)) == bits(biased))
            #expect(bits(matrix.multiply(activations, set, into: before)) == bits(sum))
            let result = matrix.multiply(activations, set, bias: bias, into: before)
            #expect(bits(result) == bits(both))
        }
    }
}
