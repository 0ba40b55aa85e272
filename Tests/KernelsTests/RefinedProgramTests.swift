import CKernels
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

/// Programs that also multiply what rows lose when they are quantised.
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
        let square = try packed(weights.square, columns: Self.width, .q8_0)
        let zeros = [Float](repeating: 0, count: Self.width * Self.width)
        let norm = StepProgram.Norm.rootMeanSquare(
            FloatVector([Float](repeating: 1, count: Self.width))
        )
        program.appendEmbedding(try packed(weights.table, columns: Self.width, .f32))
        var attention = StepProgram.Attention(
            layer: 0,
            norm: norm,
            query: StepProgram.Weight(square),
            key: StepProgram.Weight(square),
            value: StepProgram.Weight(square),
            output: StepProgram.Weight(try packed(zeros, columns: Self.width, .q8_0)),
            queryScale: 0.25
        )
        attention.rotary = nil
        program.append(attention, isLast: true)
        program.append(
            StepProgram.FeedForward(
                norm: norm,
                gate: StepProgram.Weight(try packed(weights.gate, columns: Self.width, .q8_0)),
                up: nil,
                down: StepProgram.Weight(try packed(weights.down, columns: Self.inner, .q8_0)),
                activation: .gelu
            ),
            isLast: true
        )
        program.appendHiddenStates(norm: nil)
        return program
    }

    private func hiddenStates(_ tokens: [Int32], _ program: StepProgram) -> [[Float]] {
        let headBytes = torii_cache_head_bytes(TORII_CACHE_F16, 16)
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
        program.run(cache: cache, blockByteCount: blockBytes, format: .halves)
        return tokens.indices.map { Array(program.hiddenState(row: $0)) }
    }

    private func reference(_ token: Int32) throws -> [Double] {
        let x = (0..<Self.width).map { Double(weights.table[Int(token) * Self.width + $0]) }
        let square = x.reduce(0) { $0 + $1 * $1 } / Double(Self.width) + Double(Self.epsilon)
        let normal = x.map { $0 / square.squareRoot() }
        func product(_ weight: [Double], _ x: [Double]) -> [Double] {
            (0..<weight.count / x.count).map { row in
                x.indices.reduce(0) { $0 + weight[row * x.count + $1] * x[$1] }
            }
        }
        let hidden = product(try stored(weights.gate), normal)
            .map { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }
        return zip(x, product(try stored(weights.down), hidden)).map { $0 + $1 }
    }

    private static let tokens = (0..<37).map { Int32($0) }

    @Test func `products are as exact as those with rows of sixteen bits`() throws {
        let expected = try Self.tokens.map { try reference($0) }
        func error(_ states: [[Float]]) -> Double {
            let pairs = zip(states.joined(), expected.joined())
            let error = pairs.reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
            return (error / expected.joined().reduce(0) { $0 + $1 * $1 }).squareRoot()
        }
        let refined = error(hiddenStates(Self.tokens, try program(refines: true, 2)))
        let plain = error(hiddenStates(Self.tokens, try program(refines: false, 2)))
        #expect(refined < 1e-4)
        #expect(plain > 20 * refined)
    }

    @Test func `a row's products depend on no other row, thread or instruction set`() throws {
        let expected = hiddenStates(Self.tokens, try program(refines: true, 1, .scalar))
        for set in InstructionSet.supported {
            for threadCount in [1, 3] {
                let program = try program(refines: true, threadCount, set)
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
        let program = try program(refines: true, 2)
        let states = hiddenStates(Self.tokens, program)
        program.commitScratch(logitRowCount: 4)
        for _ in 0..<3 { #expect(hiddenStates(Self.tokens, program) == states) }
    }
}
