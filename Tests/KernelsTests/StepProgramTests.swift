import CKernels
import Foundation
import Kernels
import TestSupport
import Tensors
import Testing

/// A program as encoders need it, against its definition: positions that are learned, norms behind
/// the branches, attention both ways, hidden states in the end.
@Suite(.timeLimit(.minutes(15))) struct StepProgramTests {
    static let width = 48
    static let inner = 80
    static let headLength = 16
    static let vocabulary = 32
    static let positionCount = 160
    static let epsilon: Float = 1e-5

    /// The weights, rows one after the other.
    private struct Weights {
        let table, positions, constant: [Float]
        let query, key, value, output, gate, down: [Float]
        let biases: [String: [Float]]
        let norms: [[Float]]

        init(seed: UInt64) {
            var generator = SeededGenerator(seed: seed)
            func random(_ count: Int, _ range: ClosedRange<Float>) -> [Float] {
                (0..<count).map { _ in Float.random(in: range, using: &generator) }
            }
            let square = width * width
            table = random(vocabulary * width, -1...1)
            positions = random(positionCount * width, -1...1)
            constant = random(width, -1...1)
            query = random(square, -0.4...0.4)
            key = random(square, -0.4...0.4)
            value = random(square, -0.4...0.4)
            output = random(square, -0.4...0.4)
            gate = random(inner * width, -0.4...0.4)
            down = random(inner * width, -0.4...0.4)
            biases = [
                "query": random(width, -0.5...0.5), "gate": random(inner, -0.5...0.5),
                "down": random(width, -0.5...0.5),
            ]
            norms = (0..<6).map { _ in random(width, 0.5...1.5) }
        }
    }

    private let weights = Weights(seed: 5)

    private func packed(_ values: [Float], columns: Int) throws -> PackedMatrix {
        try PackedMatrix(
            packing: values.withUnsafeBytes(Array.init),
            type: .f32,
            rows: values.count / columns,
            columns: columns
        )
    }

    private func program(
        _ visibility: StepProgram.Visibility,
        threadCount: Int
    ) throws -> StepProgram {
        var shape = StepProgram.Shape(
            embeddingLength: Self.width,
            headCount: Self.width / Self.headLength,
            keyValueHeadCount: Self.width / Self.headLength,
            headDimension: Self.headLength,
            feedForwardLength: Self.inner,
            vocabularySize: Self.vocabulary,
            normEpsilon: Self.epsilon,
            maximumRowCount: 256
        )
        shape.hasLogits = false
        let program = try StepProgram(
            shape: shape,
            positionCount: Self.positionCount,
            rotaries: [],
            pool: try KernelThreadPool(threadCount: threadCount)
        )
        let norms = (0..<3).map { index in
            StepProgram.Norm.layer(
                FloatVector(weights.norms[2 * index]),
                bias: FloatVector(weights.norms[2 * index + 1])
            )
        }
        func weight(_ values: [Float], columns: Int, bias: String) throws -> StepProgram.Weight {
            StepProgram.Weight(
                try packed(values, columns: columns),
                bias: weights.biases[bias].map { FloatVector($0) }
            )
        }
        program.appendEmbedding(
            try packed(weights.table, columns: Self.width),
            positions: try packed(weights.positions, columns: Self.width),
            constant: FloatVector(weights.constant),
            norm: norms[0]
        )
        var attention = StepProgram.Attention(
            layer: 0,
            norm: nil,
            query: try weight(weights.query, columns: Self.width, bias: "query"),
            key: try weight(weights.key, columns: Self.width, bias: ""),
            value: try weight(weights.value, columns: Self.width, bias: ""),
            output: try weight(weights.output, columns: Self.width, bias: ""),
            queryScale: 1 / Float(Self.headLength).squareRoot()
        )
        attention.rotary = nil
        attention.visibility = visibility
        attention.join = StepProgram.Join(norm: norms[1])
        program.append(attention, isLast: true)
        var feedForward = StepProgram.FeedForward(
            norm: nil,
            gate: try weight(weights.gate, columns: Self.width, bias: "gate"),
            up: nil,
            down: try weight(weights.down, columns: Self.inner, bias: "down"),
            activation: .gelu
        )
        feedForward.join = StepProgram.Join(norm: norms[2])
        program.append(feedForward, isLast: true)
        program.appendHiddenStates(norm: nil)
        return program
    }

    /// The hidden states of all tokens of all texts, which are one batch.
    private func hiddenStates(_ texts: [[Int32]], _ program: StepProgram) -> [[Float]] {
        let headBytes = torii_cache_head_bytes(TORII_CACHE_WORDS, Int32(Self.headLength))
        let blockBytes = headBytes * Self.width / Self.headLength
        let blocksPerText = Self.positionCount / 32
        let cache = UnsafeMutableRawPointer.allocate(
            byteCount: blockBytes * blocksPerText * texts.count,
            alignment: 64
        )
        defer { cache.deallocate() }
        cache.initializeMemory(
            as: UInt8.self,
            repeating: 0,
            count: blockBytes * blocksPerText * texts.count
        )
        program.beginBatch()
        for (index, text) in texts.enumerated() {
            program.append(
                tokens: text[...],
                firstPosition: 0,
                blockTable: (0..<blocksPerText).map { Int32(index * blocksPerText + $0) },
                logitRowCount: text.count
            )
        }
        program.run(cache: cache, blockByteCount: blockBytes, format: .words)
        return (0..<texts.reduce(0) { $0 + $1.count }).map { Array(program.hiddenState(row: $0)) }
    }

    // MARK: The definition

    private func norm(_ x: [Double], _ index: Int) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let squares = x.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let deviation = (squares + Double(Self.epsilon)).squareRoot()
        return x.indices.map {
            (x[$0] - mean) / deviation * Double(weights.norms[2 * index][$0])
                + Double(weights.norms[2 * index + 1][$0])
        }
    }

    private func product(_ weight: [Float], _ x: [Double], _ bias: String) -> [Double] {
        (0..<weight.count / x.count).map { row in
            let sum = x.indices.reduce(0.0) { $0 + Double(weight[row * x.count + $1]) * x[$1] }
            return sum + Double(weights.biases[bias]?[row] ?? 0)
        }
    }

    private func reference(_ text: [Int32], _ visibility: StepProgram.Visibility) -> [[Double]] {
        let embedded = text.enumerated().map { position, token in
            norm(
                (0..<Self.width).map {
                    Double(weights.table[Int(token) * Self.width + $0])
                        + Double(weights.positions[position * Self.width + $0])
                        + Double(weights.constant[$0])
                },
                0
            )
        }
        let keys = embedded.map { product(weights.key, $0, "").map { Float($0) } }
        let values = embedded.map { product(weights.value, $0, "").map { Float($0) } }
        return embedded.indices.map { position in
            let query = product(weights.query, embedded[position], "query")
            let first = max(0, position - visibility.before)
            let last = min(text.count - 1, position + min(visibility.after, text.count))
            let attended = stride(from: 0, to: Self.width, by: Self.headLength).flatMap { head in
                let part = head..<head + Self.headLength
                return exactAttention(
                    AttentionRow(
                        query: query[part].map {
                            Float($0 / Double(Self.headLength).squareRoot())
                        },
                        position: position,
                        visible: first...last
                    ),
                    AttentionOptions(),
                    keys: keys.map { Array($0[part]) },
                    values: values.map { Array($0[part]) }
                )
            }
            let output = product(weights.output, attended, "")
            let x = norm(zip(embedded[position], output).map { $0 + $1 }, 1)
            let hidden = product(weights.gate, x, "gate").map {
                $0 * erfc(-$0 / 2.0.squareRoot()) / 2
            }
            return norm(zip(x, product(weights.down, hidden, "down")).map { $0 + $1 }, 2)
        }
    }

    @Test(arguments: [
        StepProgram.Visibility.everything, .within(7), .causal, .window(5),
    ])
    func `an encoder's hidden states are near the definition's, beside others too`(
        visibility: StepProgram.Visibility
    ) throws {
        var generator = SeededGenerator(seed: 3)
        let texts = [150, 1, 40, 9].map { count in
            (0..<count).map { _ in Int32.random(in: 0..<Int32(Self.vocabulary), using: &generator) }
        }
        let together = hiddenStates(texts, try program(visibility, threadCount: 3))
        let single = try program(visibility, threadCount: 1)
        let alone = texts.flatMap { hiddenStates([$0], single) }
        #expect(together.map { $0.map(\.bitPattern) } == alone.map { $0.map(\.bitPattern) })
        let expected = texts.flatMap { reference($0, visibility) }
        for (row, exact) in expected.enumerated() {
            let errors = zip(alone[row], exact).map { abs(Double($0) - $1) }
            // Keys and values are kept as halves.
            #expect((errors.max() ?? 1) < 5e-3, "row \(row)")
        }
    }
}
