import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// Attention over KV blocks: equal on all instruction sets and for any grouping of rows, and near
/// what double precision says.
@Suite(.timeLimit(.minutes(10))) struct AttentionKernelTests {
    /// The stored keys and values are given as f16, so that only f32 sums are left to differ.
    static let bound = 2e-6

    /// Blocks of one head, filled through the kernels themselves.
    private final class Blocks {
        let length: Int
        let type: torii_cache_type
        let table: [Int32]
        /// In units of two bytes, so that halves are aligned.
        private(set) var memory: [UInt16]
        private let blockByteCount: Int

        init(length: Int, blockCount: Int, type: torii_cache_type = TORII_CACHE_F16) {
            self.length = length
            self.type = type
            blockByteCount = torii_cache_head_bytes(type, Int32(length))
            table = (0..<Int32(blockCount)).map { Int32(blockCount) - 1 - $0 }
            memory = [UInt16](repeating: 0, count: blockCount * blockByteCount / 2)
        }

        func withCache<Result>(_ body: (inout torii_head_cache) -> Result) -> Result {
            let (length, stride, type) = (Int32(length), blockByteCount, type)
            return table.withUnsafeBufferPointer { table in
                memory.withUnsafeMutableBytes { bytes in
                    var cache = torii_head_cache(
                        base: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        block_stride: stride,
                        block_table: table.baseAddress,
                        head_dimension: length,
                        type: type
                    )
                    return body(&cache)
                }
            }
        }
    }

    private func random(_ count: Int, _ range: ClosedRange<Float>, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: range, using: &generator) }
    }

    private func kernels(_ set: InstructionSet) throws -> torii_vector_kernels {
        try #require(torii_vector_kernels_for(set.cValue)).pointee
    }

    /// Attends `queries` at `positions`, at most `rows` to a call.
    private func attend(
        _ kernels: torii_vector_kernels,
        _ blocks: Blocks,
        _ queries: [[Float]],
        _ positions: [Int],
        rows: Int
    ) -> [[Float]] {
        let length = blocks.length
        let source = UnsafeMutablePointer<Float>.allocate(capacity: queries.count * length)
        let target = UnsafeMutablePointer<Float>.allocate(capacity: queries.count * length)
        defer {
            source.deallocate()
            target.deallocate()
        }
        for (index, value) in queries.joined().enumerated() { source[index] = value }
        for first in stride(from: 0, to: queries.count, by: rows) {
            var group = torii_query_rows()
            let count = min(rows, queries.count - first)
            group.row_count = Int32(count)
            withUnsafeMutableBytes(of: &group.query) { bytes in
                let pointers = bytes.assumingMemoryBound(to: UnsafePointer<Float>?.self)
                for row in 0..<count {
                    pointers[row] = UnsafePointer(source + (first + row) * length)
                }
            }
            withUnsafeMutableBytes(of: &group.output) { bytes in
                let pointers = bytes.assumingMemoryBound(to: UnsafeMutablePointer<Float>?.self)
                for row in 0..<count { pointers[row] = target + (first + row) * length }
            }
            withUnsafeMutableBytes(of: &group.position) { bytes in
                let values = bytes.assumingMemoryBound(to: Int32.self)
                for row in 0..<count { values[row] = Int32(positions[first + row]) }
            }
            blocks.withCache { kernels.attend(&$0, &group) }
        }
        return (0..<queries.count).map { row in
            (0..<length).map { target[row * length + $0] }
        }
    }

    @Test(
        arguments: [16, 64, 80, 128],
        [TORII_CACHE_F16, TORII_CACHE_Q8, TORII_CACHE_Q8_VALUES]
    )
    func `attention is near the exact one in any grouping`(
        length: Int,
        type: torii_cache_type
    ) throws {
        let count = 200
        var generator = SeededGenerator(seed: UInt64(length))
        let half = { Float(Float16(Float.random(in: -2...2, using: &generator))) }
        let keys = (0..<count).map { _ in (0..<length).map { _ in half() } }
        let values = (0..<count).map { _ in (0..<length).map { _ in half() } }
        let positions = [0, 15, 16, 31, 32, 63, 64, 65, 127, 128, 150, 199, 199]
        let queries = positions.indices.map {
            random(length, -0.5...0.5, seed: UInt64(1000 + $0))
        }
        var first: [[UInt32]] = []
        for set in InstructionSet.supported {
            let kernels = try kernels(set)
            let blocks = Blocks(length: length, blockCount: 7, type: type)
            for position in 0..<count {
                blocks.withCache {
                    kernels.store_key_value(&$0, Int32(position), keys[position], values[position])
                }
            }
            for rows in 1...6 {
                let result = attend(kernels, blocks, queries, positions, rows: rows)
                let patterns = result.map { $0.map(\.bitPattern) }
                if first.isEmpty {
                    first = patterns
                    check(
                        result,
                        queries,
                        positions,
                        torii_cache_has_key_bytes(type) ? keys.map(Self.quantised) : keys,
                        torii_cache_has_value_bytes(type) ? values.map(Self.quantised) : values
                    )
                }
                #expect(patterns == first, "\(set), \(rows) rows")
            }
        }
    }

    private func check(
        _ result: [[Float]],
        _ queries: [[Float]],
        _ positions: [Int],
        _ keys: [[Float]],
        _ values: [[Float]]
    ) {
        for (row, query) in queries.enumerated() {
            let visible = 0...positions[row]
            let scores = visible.map { position in
                zip(query, keys[position]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            }
            let maximum = scores.max() ?? 0
            let weights = scores.map { exp($0 - maximum) }
            let sum = weights.reduce(0, +)
            for index in query.indices {
                let exact =
                    visible.reduce(0.0) { $0 + weights[$1] * Double(values[$1][index]) } / sum
                let error = abs(Double(result[row][index]) - exact)
                #expect(error < Self.bound, "row \(row), dimension \(index)")
            }
        }
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
    private func stored(_ blocks: Blocks, isKey: Bool, token: Int, dimension: Int) -> Float {
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
                let blocks = Blocks(length: length, blockCount: 1, type: TORII_CACHE_Q8)
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
                let blocks = Blocks(length: 256, blockCount: 1)
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
