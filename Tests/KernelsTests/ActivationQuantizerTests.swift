import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct ActivationQuantizerTests {
    func compare(_ tokens: [[Float]]) throws {
        for set in InstructionSet.supported {
            let activations = try KernelActivations(tokens, set)
            for (token, values) in tokens.enumerated() {
                let expected = ReferenceActivations(values)
                #expect(activations.quants(token) == expected.quants, "\(set)")
                #expect(bits(activations.scales(token)) == bits(expected.scales), "\(set)")
                let halves = stride(from: 0, to: values.count, by: 16).map { start in
                    -expected.quants[start..<start + 16].reduce(0, +)
                }
                let sums = stride(from: 0, to: halves.count, by: 2).map {
                    halves[$0] + halves[$0 + 1]
                }
                let found = activations.negativeSums(token)
                #expect(found.halves == halves && found.sums == sums, "\(set)")
                #expect(found.floats == sums.map(Float.init), "\(set)")
            }
        }
    }

    @Test func `random values of every length`() throws {
        var random = SeededGenerator(seed: 1)
        for columns in stride(from: 32, through: 640, by: 32) {
            try compare(randomActivations(tokens: 2, columns: columns, using: &random))
        }
    }

    @Test func `ties go to the even number`() throws {
        // The largest magnitude is 127, so the scale is 1 and halves are ties.
        let values = (0..<64).map { $0 % 32 == 0 ? Float(127) : Float($0) - 31.5 }
        try compare([values, values.map { -$0 }])
    }

    @Test func `zeros, subnormals, the threshold, and what is no number`() throws {
        let values: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, 0x1p-126, 0x1.fffffep-101, 0x1p-100, 1,
            .greatestFiniteMagnitude,
            .infinity, -.infinity, .nan,
        ]
        let tokens = values.map { value in
            (0..<96).map { $0 == 40 ? value : 0 }
        }
        try compare(tokens)
        try compare(tokens.map { $0.map { $0 + 0x1p-110 } })
    }
}
