import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// Every instruction set's vector operations: equal bit for bit, and near what double precision says.
@Suite(.timeLimit(.minutes(10))) struct VectorKernelTests {
    /// exp16: one unit in the last place or two.
    static let exponentialBound = 2.5e-7
    /// RMS norm and SwiGLU: a few roundings.
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

    @Test(arguments: [1, 16, 31, 256])
    func `SwiGLU is near the exact one`(count: Int) throws {
        let gate = random(count, -30...30, seed: 4)
        let up = random(count, -3...3, seed: 5)
        let y = try agreed(
            { kernels in
                var out = gate
                kernels.swiglu(&out, up, Int32(count))
                return out
            },
            "\(count)"
        )
        for index in 0..<count {
            let g = Double(gate[index])
            let exact = g / (1 + exp(-g)) * Double(up[index])
            #expect(abs(Double(y[index]) - exact) <= Self.elementBound * (1 + abs(exact)))
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
