import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// Every instruction set's vector operations: equal bit for bit, and near what double precision says.
@Suite(.timeLimit(.minutes(15))) struct VectorKernelTests {
    /// exp16: one unit in the last place or two.
    static let exponentialBound = 2.5e-7
    /// Norms and activations: a few roundings.
    static let elementBound = 1e-6

    private func tables() throws -> [(InstructionSet, torii_vector_kernels)] {
        try InstructionSet.supported.map {
            ($0, try #require(torii_vector_kernels_for($0.cValue)).pointee)
        }
    }

    private func random(_ count: Int, _ range: ClosedRange<Float>, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: range, using: &generator) }
    }

    /// Runs `body` with every table; checks that all give the bits of the first, and returns them.
    private func agreed(
        _ body: (torii_vector_kernels) -> [Float],
        _ what: String
    ) throws -> [Float] {
        var first: [Float] = []
        for (set, kernels) in try tables() {
            let result = body(kernels)
            if first.isEmpty { first = result }
            #expect(result.map(\.bitPattern) == first.map(\.bitPattern), "\(what), \(set)")
        }
        return first
    }

    @Test func `exp is near the exact one, and 0 far below`() throws {
        let x = random(5000, -87...88, seed: 1) + [0, -0.0, -87, 88, 1, -1]
        let y = try agreed(
            { kernels in run(x) { kernels.exponential($0, Int32(x.count), $1) } },
            ""
        )
        for (argument, value) in zip(x, y) {
            let exact = exp(Double(argument))
            #expect(abs(Double(value) - exact) <= Self.exponentialBound * exact, "\(argument)")
        }
        #expect(y[5000] == 1 && y[5001] == 1)
        let special: [Float] = [-.infinity, -87.5, -1e30, .nan, 89, .infinity]
        let z = try agreed(
            { kernels in run(special) { kernels.exponential($0, Int32(special.count), $1) } },
            "special"
        )
        #expect(z[0] == 0 && z[1] == 0 && z[2] == 0 && z[3].isNaN)
        #expect(z[4] == z[5] && z[4].isFinite)
    }

    @Test(arguments: [1, 15, 16, 17, 64, 320, 577])
    func `RMS norm is near the exact one`(count: Int) throws {
        let x = random(count, -3...3, seed: 2)
        let weight = random(count, 0.5...1.5, seed: 3)
        let y = try agreed(
            { kernels in run(x) { kernels.rms_norm($0, weight, 1e-5, Int32(count), $1) } },
            "\(count)"
        )
        let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
        for index in 0..<count {
            let exact = Double(x[index]) / (mean + 1e-5).squareRoot() * Double(weight[index])
            #expect(abs(Double(y[index]) - exact) <= Self.elementBound * (1 + abs(exact)))
        }
    }

    @Test(arguments: [1, 15, 16, 17, 64, 320, 577], [true, false])
    func `layer norm is near the exact one`(count: Int, hasBias: Bool) throws {
        let x = random(count, -1...3, seed: 12)
        let weight = random(count, 0.5...1.5, seed: 13)
        let bias = random(count, -1...1, seed: 14)
        let y = try agreed(
            { kernels in
                run(x) {
                    let bias = hasBias ? bias : nil
                    kernels.layer_norm($0, weight, bias, 1e-5, Int32(count), $1)
                }
            },
            "\(count)"
        )
        let mean = x.reduce(0.0) { $0 + Double($1) } / Double(count)
        let squares = x.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        let deviation = (squares / Double(count) + 1e-5).squareRoot()
        for index in 0..<count {
            let exact =
                (Double(x[index]) - mean) / deviation * Double(weight[index])
                + (hasBias ? Double(bias[index]) : 0)
            #expect(abs(Double(y[index]) - exact) <= 3 * Self.elementBound * (1 + abs(exact)))
        }
    }

    private static func exact(_ activation: torii_activation, _ x: Double) -> Double {
        switch activation {
        case TORII_ACTIVATION_GELU: x * erfc(-x / 2.0.squareRoot()) / 2
        case TORII_ACTIVATION_GELU_TANH:
            x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
        case TORII_ACTIVATION_CLAMPED: min(x, 7) / (1 + exp(-1.702 * min(x, 7)))
        default: x / (1 + exp(-x))
        }
    }

    static let activations = [
        TORII_ACTIVATION_SILU, TORII_ACTIVATION_GELU, TORII_ACTIVATION_GELU_TANH,
        TORII_ACTIVATION_CLAMPED,
    ]

    @Test(arguments: activations, [1, 16, 31, 4096])
    func `activations are near the exact ones`(activation: torii_activation, count: Int) throws {
        let gate = random(count, -12...12, seed: 4)
        let up = random(count, -9...9, seed: 5)
        for other in [up, nil] {
            let y = try agreed(
                { kernels in
                    var out = gate
                    kernels.activate(activation, &out, other, Int32(count))
                    return out
                },
                "\(count)"
            )
            for index in 0..<count {
                var exact = Self.exact(activation, Double(gate[index]))
                if let other {
                    exact *=
                        activation == TORII_ACTIVATION_CLAMPED
                        ? Double(min(max(other[index], -7), 7)) + 1 : Double(other[index])
                }
                #expect(abs(Double(y[index]) - exact) <= 3 * Self.elementBound * (1 + abs(exact)))
            }
        }
    }

    @Test(arguments: [1, 16, 45])
    func `sums and caps are near the exact ones`(count: Int) throws {
        let x = random(count, -40...40, seed: 8)
        let other = random(count, -3...3, seed: 9)
        let sum = try agreed(
            { kernels in
                var out = x
                kernels.add(&out, other, 0.25, Int32(count))
                return out
            },
            "sum"
        )
        for index in 0..<count { #expect(sum[index] == (x[index] + 0.25 * other[index])) }
        for cap: Float in [0, 15] {
            let y = try agreed(
                { kernels in
                    var out = x
                    kernels.scale_and_cap(&out, 0.5, cap, Int32(count))
                    return out
                },
                "cap \(cap)"
            )
            for index in 0..<count {
                let half = Double(x[index]) / 2
                let exact = cap == 0 ? half : Double(cap) * tanh(half / Double(cap))
                #expect(abs(Double(y[index]) - exact) <= 3 * Self.elementBound * (1 + abs(exact)))
            }
        }
    }

    @Test(arguments: [(64, 64), (32, 32), (80, 40), (48, 48)])
    func `rotation turns pairs and leaves the rest`(length: Int, rotated: Int) throws {
        let x = random(length, -2...2, seed: 6)
        let angles = random(rotated / 2, -3...3, seed: 7)
        let cosines = angles.map { cos($0) }
        let sines = angles.map { sin($0) }
        let y = try agreed(
            { kernels in
                var out = x
                kernels.rotate(&out, cosines, sines, Int32(rotated), Int32(length), 0.5)
                return out
            },
            "\(length)"
        )
        for pair in 0..<rotated / 2 {
            let (a, b) = (Double(x[pair]), Double(x[pair + rotated / 2]))
            let (c, s) = (Double(cosines[pair]), Double(sines[pair]))
            #expect(abs(Double(y[pair]) - (a * c - b * s) / 2) < Self.elementBound)
            #expect(abs(Double(y[pair + rotated / 2]) - (b * c + a * s) / 2) < Self.elementBound)
        }
        #expect((rotated..<length).allSatisfy { y[$0] == x[$0] / 2 })
    }

    private func run(
        _ x: [Float],
        _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        var out = [Float](repeating: .nan, count: x.count)
        x.withUnsafeBufferPointer { x in
            out.withUnsafeMutableBufferPointer { out in
                guard let source = x.baseAddress, let target = out.baseAddress else { return }
                body(source, target)
            }
        }
        return out
    }
}
