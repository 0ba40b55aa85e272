import CKernels
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

/// Programs that also multiply what rows lose when they are quantised, and programs whose quantised
/// matrices have their columns in an order of their own.
@Suite(.timeLimit(.minutes(15))) struct RefinedProgramTests {
    static let width = 64
    static let inner = 96
    static let vocabulary = 40
    static let epsilon: Float = 1e-5

    private struct Weights {
        let table, square, gate, down: [Float]

        init(seed: UInt64) {
            var generator = SeededGenerator(seed: seed)
            func random(_ count: Int) -> [Float] {
                // One of each row is an outlier, which costs the others their precision.
                (0..<count).map {
                    $0 % 61 == 7 ? 9 : Float.random(in: -0.5...0.5, using: &generator)
                }
            }
            table = random(vocabulary * width)
            square = random(width * width)
            gate = random(inner * width)
            down = random(inner * width)
        }
    }

    private let weights = Weights(seed: 11)

    private func packed(_ values: [Float], columns: Int, _ type: TensorType) throws -> PackedMatrix
    {
        try PackedMatrix(
            packing: BlockQuantizer.quantize(values, type: type),
            type: type,
            rows: values.count / columns,
            columns: columns
        )
    }

    /// An order of columns, if there is to be one.
    private static func columns(_ count: Int, _ isOrdered: Bool) -> [Int32] {
        var generator = SeededGenerator(seed: 5)
        let columns = (0..<Int32(count))
        return isOrdered ? columns.shuffled(using: &generator) : Array(columns)
    }

    /// A weight in `Q8_0`, with its columns in an order.
    private func weight(
        _ values: [Float],
        columns: Int,
        isOrdered: Bool
    ) throws -> StepProgram.Weight {
        let order = Self.columns(columns, isOrdered)
        let ordered = values.indices.map { values[$0 - $0 % columns + Int(order[$0 % columns])] }
        return StepProgram.Weight(
            try packed(ordered, columns: columns, .q8_0),
            order: isOrdered ? ColumnOrder(order) : nil
        )
    }

    /// What such a weight stands for.
    private func stored(_ values: [Float], columns: Int, isOrdered: Bool) throws -> [Double] {
        let order = Self.columns(columns, isOrdered)
        let ordered = values.indices.map { values[$0 - $0 % columns + Int(order[$0 % columns])] }
        let found = try stored(ordered)
        var result = found
        for (index, value) in found.enumerated() {
            result[index - index % columns + Int(order[index % columns])] = value
        }
        return result
    }

    /// What a matrix in `Q8_0` stands for.
    private func stored(_ values: [Float]) throws -> [Double] {
        var result = [Float](repeating: 0, count: values.count)
        let bytes = BlockQuantizer.quantize(values, type: .q8_0)
        try bytes.withUnsafeBytes { bytes in
            try result.withUnsafeMutableBufferPointer { result in
                try BlockDequantizer.dequantize(bytes, type: .q8_0, into: result)
            }
        }
        return result.map { Double($0) }
    }

    /// Attention whose output is zero, then a feed-forward.
    private func program(
        refines: Bool,
        isOrdered: Bool,
        _ threadCount: Int,
        _ set: InstructionSet = .best
    ) throws -> StepProgram {
        var shape = StepProgram.Shape(
            embeddingLength: Self.width,
            headCount: 4,
            keyValueHeadCount: 4,
            headDimension: 16,
            feedForwardLength: Self.inner,
            vocabularySize: Self.vocabulary,
            normEpsilon: Self.epsilon,
            maximumRowCount: 64
        )
        shape.hasLogits = false
        shape.refinesInputs = refines
        let program = try StepProgram(
            shape: shape,
            positionCount: 32,
            rotaries: [],
            pool: try KernelThreadPool(threadCount: threadCount, instructionSet: set)
        )
        let square = try weight(weights.square, columns: Self.width, isOrdered: isOrdered)
        let zeros = [Float](repeating: 0, count: Self.width * Self.width)
        let norm = StepProgram.Norm.rootMeanSquare(
            FloatVector([Float](repeating: 1, count: Self.width))
        )
        program.appendEmbedding(try packed(weights.table, columns: Self.width, .f32))
        var attention = StepProgram.Attention(
            layer: 0,
            norm: norm,
            query: square,
            key: square,
            value: square,
            output: StepProgram.Weight(try packed(zeros, columns: Self.width, .q8_0)),
            queryScale: 0.25
        )
        attention.rotary = nil
        program.append(attention, isLast: true)
        program.append(
            StepProgram.FeedForward(
                norm: norm,
                gate: try weight(weights.gate, columns: Self.width, isOrdered: isOrdered),
                up: nil,
                down: try weight(weights.down, columns: Self.inner, isOrdered: isOrdered),
                activation: .gelu
            ),
            isLast: true
        )
        program.appendHiddenStates(norm: nil)
        return program
    }

    private func hiddenStates(_ tokens: [Int32], _ program: StepProgram) -> [[Float]] {
        let headBytes = torii_cache_head_bytes(TORII_CACHE_WORDS, 16)
        let blockBytes = headBytes * 4
        let cache = UnsafeMutableRawPointer.allocate(
            byteCount: blockBytes * tokens.count,
            alignment: 64
        )
        defer { cache.deallocate() }
        cache.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes * tokens.count)
        program.beginBatch()
        for (index, token) in tokens.enumerated() {
            program.append(
                tokens: [token],
                firstPosition: 0,
                blockTable: [Int32(index)],
                logitRowCount: 1
            )
        }
        program.run(cache: cache, blockByteCount: blockBytes, format: .words)
        return tokens.indices.map { Array(program.hiddenState(row: $0)) }
    }

    private func reference(_ token: Int32, isOrdered: Bool) throws -> [Double] {
        let x = (0..<Self.width).map { Double(weights.table[Int(token) * Self.width + $0]) }
        let square = x.reduce(0) { $0 + $1 * $1 } / Double(Self.width) + Double(Self.epsilon)
        let normal = x.map { $0 / square.squareRoot() }
        func product(_ weight: [Double], _ x: [Double]) -> [Double] {
            (0..<weight.count / x.count).map { row in
                x.indices.reduce(0) { $0 + weight[row * x.count + $1] * x[$1] }
            }
        }
        let gate = try stored(weights.gate, columns: Self.width, isOrdered: isOrdered)
        let down = try stored(weights.down, columns: Self.inner, isOrdered: isOrdered)
        let hidden = product(gate, normal).map { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }
        return zip(x, product(down, hidden)).map { $0 + $1 }
    }

    private static let tokens = (0..<37).map { Int32($0) }

    @Test(arguments: [false, true])
    func `products are as exact as those with rows of sixteen bits`(isOrdered: Bool) throws {
        let expected = try Self.tokens.map { try reference($0, isOrdered: isOrdered) }
        func error(_ states: [[Float]]) -> Double {
            let pairs = zip(states.joined(), expected.joined())
            let error = pairs.reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
            return (error / expected.joined().reduce(0) { $0 + $1 * $1 }).squareRoot()
        }
        func error(refines: Bool) throws -> Double {
            let program = try program(refines: refines, isOrdered: isOrdered, 2)
            return error(hiddenStates(Self.tokens, program))
        }
        let (refined, plain) = (try error(refines: true), try error(refines: false))
        #expect(refined < 1e-4)
        #expect(plain > 20 * refined && plain < 0.03)
    }

    @Test(arguments: [false, true], [false, true])
    func `a row's products depend on no other row, thread or instruction set`(
        refines: Bool,
        isOrdered: Bool
    ) throws {
        let scalar = try program(refines: refines, isOrdered: isOrdered, 1, .scalar)
        let expected = hiddenStates(Self.tokens, scalar)
        for set in InstructionSet.supported {
            for threadCount in [1, 3] {
                let program = try program(
                    refines: refines,
                    isOrdered: isOrdered,
                    threadCount,
                    set
                )
                for count in [1, 4, 5, 37] {
                    let states = hiddenStates(Array(Self.tokens[..<count]), program)
                    #expect(
                        states.map { $0.map(\.bitPattern) }
                            == expected[..<count].map { $0.map(\.bitPattern) },
                        "\(set), \(threadCount) threads, \(count) rows"
                    )
                }
            }
        }
    }

    @Test func `memory that is committed ahead changes nothing`() throws {
        let program = try program(refines: true, isOrdered: true, 2)
        let states = hiddenStates(Self.tokens, program)
        program.commitScratch(logitRowCount: 4)
        for _ in 0..<3 { #expect(hiddenStates(Self.tokens, program) == states) }
    }
}
