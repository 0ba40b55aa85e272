import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// Attention over KV blocks: equal on all instruction sets and for any grouping of rows, and near
/// what double precision says.
@Suite(.timeLimit(.minutes(15))) struct AttentionKernelTests {
    /// The stored keys and values are given as f16, so that only f32 sums are left to differ.
    static let bound = 4e-6

    private func random(_ count: Int, _ range: ClosedRange<Float>, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: range, using: &generator) }
    }

    private func kernels(_ set: InstructionSet) throws -> torii_vector_kernels {
        try #require(torii_vector_kernels_for(set.cValue)).pointee
    }

    private func halves(_ count: Int, _ length: Int, seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<length).map { _ in Float(Float16(Float.random(in: -2...2, using: &generator))) }
        }
    }

    /// All instruction sets and groupings give the same bits, near the exact ones.
    private func check(
        _ rows: [AttentionRow],
        _ options: AttentionOptions = AttentionOptions(),
        length: Int,
        type: torii_cache_type
    ) throws {
        let (keys, values) = (halves(200, length, seed: 1), halves(200, length, seed: 2))
        let storedKeys = torii_cache_has_key_bytes(type) ? keys.map(Self.quantised) : keys
        let storedValues = torii_cache_has_value_bytes(type) ? values.map(Self.quantised) : values
        var first: [[UInt32]] = []
        for set in InstructionSet.supported {
            let kernels = try kernels(set)
            let blocks = KernelBlocks(length: length, blockCount: 7, type: type)
            blocks.store(kernels, keys, values)
            for count in 1...6 {
                let result = blocks.attend(kernels, rows, options, atOnce: count)
                let patterns = result.map { $0.map(\.bitPattern) }
                if first.isEmpty {
                    first = patterns
                    for (index, row) in rows.enumerated() {
                        let exact = exactAttention(
                            row,
                            options,
                            keys: storedKeys,
                            values: storedValues
                        )
                        let errors = zip(result[index], exact).map { abs(Double($0) - $1) }
                        #expect((errors.max() ?? 1) < Self.bound, "row \(index)")
                    }
                }
                #expect(patterns == first, "\(set), \(count) rows")
            }
        }
    }

    static let positions = [0, 15, 16, 31, 32, 63, 64, 65, 127, 128, 150, 199, 199]

    private func rows(length: Int, _ visible: (Int) -> ClosedRange<Int>) -> [AttentionRow] {
        Self.positions.enumerated().map { index, position in
            AttentionRow(
                query: random(length, -0.5...0.5, seed: UInt64(1000 + index)),
                position: position,
                visible: visible(position),
                slope: 0.5 / Float(1 + index),
                sink: Float(index) - 6
            )
        }
    }

    static let types = [TORII_CACHE_F16, TORII_CACHE_Q8, TORII_CACHE_Q8_VALUES]

    @Test(arguments: [16, 64, 80, 128], types)
    func `attention is near the exact one in any grouping`(
        length: Int,
        type: torii_cache_type
    ) throws {
        try check(rows(length: length) { 0...$0 }, length: length, type: type)
    }

    @Test(arguments: [1, 5, 64, 100], types)
    func `a window hides what is far behind`(window: Int, type: torii_cache_type) throws {
        try check(rows(length: 32) { max(0, $0 - window + 1)...$0 }, length: 32, type: type)
    }

    @Test(arguments: [3, 64, 200], types)
    func `rows may see what comes after them`(distance: Int, type: torii_cache_type) throws {
        let rows = rows(length: 48) { max(0, $0 - distance)...min(199, $0 + distance) }
        try check(rows, length: 48, type: type)
    }

    @Test(arguments: [
        AttentionOptions(softCap: 2),
        AttentionOptions(hasDistances: true),
        AttentionOptions(hasSinks: true),
        AttentionOptions(softCap: 3, hasDistances: true, hasSinks: true),
    ])
    func `scores are capped, lose by distance and have a sink`(options: AttentionOptions) throws {
        try check(rows(length: 64) { 0...$0 }, options, length: 64, type: TORII_CACHE_F16)
        let around = rows(length: 64) { max(0, $0 - 40)...min(199, $0 + 40) }
        try check(around, options, length: 64, type: TORII_CACHE_Q8)
    }

    /// What a quantised block holds of `numbers`: the specification, one number at a time.
    private static func quantised(_ numbers: [Float]) -> [Float] {
        let group = Int(TORII_CACHE_GROUP)
        return stride(from: 0, to: numbers.count, by: group).flatMap { first in
            let part = numbers[first..<min(first + group, numbers.count)].map { number in
                number.isNaN ? 0 : min(max(number, -65504), 65504)
            }
            let scale = Float(Float16((part.map(abs).max() ?? 0) / 127))
            let inverse = scale > 0 ? 1 / scale : 0
            return part.map { number in
                min(max((number * inverse).rounded(.toNearestOrEven), -127), 127) * scale
            }
        }
    }

    /// The number that a quantised block of `length` dimensions holds.
    private func stored(_ blocks: KernelBlocks, isKey: Bool, token: Int, dimension: Int) -> Float {
        let (length, group) = (blocks.length, dimension / Int(TORII_CACHE_GROUP))
        let groups = torii_cache_groups(Int32(length))
        let (half, lane) = (token / 16, token % 16)
        let place =
            isKey
            ? (half * length + dimension) * 16 + lane : (32 + token) * length + dimension
        let scale =
            isKey ? (half * groups + group) * 16 + lane : 32 * groups + group * 32 + token
        let byte = blocks.memory.withUnsafeBytes { Int8(bitPattern: $0[place]) }
        return Float(byte) * Float(Float16(bitPattern: blocks.memory[32 * length + scale]))
    }

    @Test(arguments: [16, 80, 256])
    func `stored bytes and scales are the specified ones, and always finite`(length: Int) throws {
        var generator = SeededGenerator(seed: 10)
        let special: [Float] = [
            0, -0.0, .nan, .infinity, -.infinity, 1e30, 65504, -65504, 0x1p-14, 0x1p-18, 0x1p-20,
            0x1p-24, -0x1p-30, 0x1p-149, 127, 0.5, 1.5, -2.5, 126.5,
        ]
        for set in InstructionSet.supported {
            let kernels = try kernels(set)
            for round in 0..<64 {
                let blocks = KernelBlocks(length: length, blockCount: 1, type: TORII_CACHE_Q8)
                let magnitude = Float.random(in: -30...16, using: &generator)
                let numbers = (0..<2 * length).map { _ in
                    round % 2 == 1 && Bool.random(using: &generator)
                        ? special[Int.random(in: 0..<special.count, using: &generator)]
                        : Float.random(in: -1...1, using: &generator) * exp2(magnitude)
                }
                let (key, value) = (Array(numbers[..<length]), Array(numbers[length...]))
                let token = round % 32
                blocks.withCache { kernels.store_key_value(&$0, Int32(token), key, value) }
                let (keys, values) = (Self.quantised(key), Self.quantised(value))
                for index in 0..<length {
                    let key = stored(blocks, isKey: true, token: token, dimension: index)
                    let value = stored(blocks, isKey: false, token: token, dimension: index)
                    #expect(key == keys[index] && key.isFinite, "\(set), key \(index)")
                    #expect(value == values[index] && value.isFinite, "\(set), value \(index)")
                }
            }
        }
    }

    @Test func `stored halves are rounded to nearest even and always finite`() throws {
        let special: [Float] = [
            0, -0.0, 1, -1, 65504, 65519.9, 65520, -1e9, .infinity, -.infinity, .nan,
            0x1p-14, 0x1.ffcp-15, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.000002p-25, 0x1p-26, 0x1p-149,
            0x1.002p0, 0x1.006p0, 0x1.0021p0, -0x1.002p0, 2049, 2051,
        ]
        var generator = SeededGenerator(seed: 9)
        var values = special
        while values.count < 16 * 1024 {
            let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
            values.append(value)
        }
        for set in InstructionSet.supported {
            let kernels = try kernels(set)
            for start in stride(from: 0, to: values.count, by: 256) {
                let part = Array(values[start..<start + 256])
                let blocks = KernelBlocks(length: 256, blockCount: 1)
                blocks.withCache { kernels.store_key_value(&$0, 17, part, part) }
                for (index, value) in part.enumerated() {
                    let clamped = value.isNaN ? 0 : min(max(value, -65504), 65504)
                    let expected = Float16(clamped).bitPattern
                    let key = blocks.memory[16 * 256 + index * 16 + 1]
                    let stored = blocks.memory[(32 + 17) * 256 + index]
                    #expect(key == expected && stored == expected, "\(set), \(value)")
                }
            }
        }
    }
}
