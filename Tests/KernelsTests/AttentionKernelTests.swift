import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// Attention over KV blocks: equal on all instruction sets and for any grouping of rows, and near
/// what double precision says.
@Suite(.timeLimit(.minutes(15))) struct AttentionKernelTests {
    /// The exact result has the stored keys and values, and the rounded queries: what is left to
    /// differ are the weights, each rounded to 1/16383 of the largest, of values up to 2.
    static let bound = 6e-4

    private func random(_ count: Int, _ range: ClosedRange<Float>, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: range, using: &generator) }
    }

    private func kernels(_ set: InstructionSet) throws -> torii_vector_kernels {
        try #require(torii_vector_kernels_for(set.cValue)).pointee
    }

    private func vectors(_ count: Int, _ length: Int, seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<length).map { _ in Float.random(in: -2...2, using: &generator) }
        }
    }

    /// All instruction sets and groupings give the same bits, near the exact ones.
    private func check(
        _ rows: [AttentionRow],
        _ options: AttentionOptions = AttentionOptions(),
        length: Int,
        type: torii_cache_type
    ) throws {
        let count = rows.map(\.visible.upperBound).max().map { $0 + 1 } ?? 0
        let (keys, values) = (vectors(count, length, seed: 1), vectors(count, length, seed: 2))
        let storedKeys = keys.map {
            Self.quantised($0, limit: TORII_KEY_LIMIT, areBytes: torii_cache_has_key_bytes(type))
        }
        let storedValues = values.map {
            Self.quantised(
                $0,
                limit: TORII_VALUE_LIMIT,
                areBytes: torii_cache_has_value_bytes(type)
            )
        }
        var first: [[UInt32]] = []
        for set in InstructionSet.supported {
            let kernels = try kernels(set)
            let blocks = KernelBlocks(length: length, blockCount: (count + 31) / 32, type: type)
            blocks.store(kernels, keys, values)
            for count in 1...6 {
                let result = blocks.attend(kernels, rows, options, atOnce: count)
                let patterns = result.map { $0.map(\.bitPattern) }
                if first.isEmpty {
                    first = patterns
                    for (index, row) in rows.enumerated() {
                        let exact = exactAttention(
                            Self.rounded(row),
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
            let pieces = rows.map { blocks.attendPieces(kernels, $0, options) }
            #expect(pieces.map { $0.map(\.bitPattern) } == first, "\(set), in pieces")
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

    static let types = [TORII_CACHE_WORDS, TORII_CACHE_BYTES, TORII_CACHE_BYTE_VALUES]

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
        try check(rows(length: 64) { 0...$0 }, options, length: 64, type: TORII_CACHE_WORDS)
        let around = rows(length: 64) { max(0, $0 - 40)...min(199, $0 + 40) }
        try check(around, options, length: 64, type: TORII_CACHE_BYTES)
    }

    @Test(arguments: [
        AttentionOptions(), AttentionOptions(softCap: 3, hasDistances: true, hasSinks: true),
    ])
    func `what is seen of several pieces is put together`(options: AttentionOptions) throws {
        let piece = Int(TORII_ATTENTION_PIECE)
        let last = 2 * piece + 70
        let visible = [
            0...piece - 1, 0...piece, piece - 1...piece, piece...last, 100...piece + 600, 3...last,
            2 * piece - 1...2 * piece, 70...piece + 2,
        ]
        let rows = visible.enumerated().map { index, visible in
            AttentionRow(
                query: random(32, -0.5...0.5, seed: UInt64(2000 + index)),
                position: visible.upperBound,
                visible: visible,
                slope: 0.01 / Float(1 + index),
                sink: Float(index) - 4
            )
        }
        for type in Self.types { try check(rows, options, length: 32, type: type) }
    }

    private static func rounded(_ row: AttentionRow) -> AttentionRow {
        let unit = (row.query.map(abs).max() ?? 0) / 8191
        var rounded = row
        rounded.query = row.query.map { ($0 / unit).rounded(.toNearestOrEven) * unit }
        return rounded
    }

    /// What a block holds of `numbers`: the specification, one number at a time.
    private static func quantised(
        _ numbers: [Float],
        limit wordLimit: Int32,
        areBytes: Bool
    ) -> [Float] {
        let group = torii_cache_group_length(areBytes, Int32(numbers.count))
        let limit = Float(areBytes ? TORII_BYTE_LIMIT : wordLimit)
        return stride(from: 0, to: numbers.count, by: group).flatMap { first in
            let part = numbers[first..<min(first + group, numbers.count)].map { number in
                number.isNaN ? 0 : min(max(number, -65504), 65504)
            }
            let largest = part.map(abs).max() ?? 0
            let nearest = Float16(largest / limit)
            let scale = Float(Float(nearest) * limit < largest ? nearest.nextUp : nearest)
            let inverse = scale > 0 ? 1 / scale : 0
            return part.map { number in
                min(max((number * inverse).rounded(.toNearestOrEven), -limit), limit) * scale
            }
        }
    }

    /// The number that a block holds, of `length` dimensions.
    private func stored(_ blocks: KernelBlocks, isKey: Bool, token: Int, dimension: Int) -> Float {
        let areBytes = torii_cache_has_key_bytes(blocks.type)
        let length = blocks.length
        let groups = torii_cache_groups(areBytes, Int32(length))
        let group = dimension / torii_cache_group_length(areBytes, Int32(length))
        let (half, lane) = (token / 16, token % 16)
        let number =
            isKey
            ? ((half * length + dimension) / 2 * 16 + lane) * 2 + dimension % 2
            : 32 * length + (token / 2 * length + dimension) * 2 + token % 2
        let scale =
            isKey
            ? (half * groups + group) * 16 + lane : 32 * groups + group * 32 + token
        let firstScale = 64 * length / (areBytes ? 2 : 1)
        let integer = blocks.memory.withUnsafeBytes { memory in
            areBytes
                ? Int(Int8(bitPattern: memory[number]))
                : Int(memory.loadUnaligned(fromByteOffset: 2 * number, as: Int16.self))
        }
        return Float(integer) * Float(Float16(bitPattern: blocks.memory[firstScale + scale]))
    }

    @Test(arguments: [16, 80, 256], [TORII_CACHE_WORDS, TORII_CACHE_BYTES])
    func `stored integers and scales are the specified ones, and always finite`(
        length: Int,
        type: torii_cache_type
    ) throws {
        var generator = SeededGenerator(seed: 10)
        let special: [Float] = [
            0, -0.0, .nan, .infinity, -.infinity, 1e30, 65504, -65504, 0x1p-14, 0x1p-18, 0x1p-20,
            0x1p-24, -0x1p-30, 0x1p-149, 127, 0.5, 1.5, -2.5, 126.5,
        ]
        for set in InstructionSet.supported {
            let kernels = try kernels(set)
            for round in 0..<64 {
                let blocks = KernelBlocks(length: length, blockCount: 1, type: type)
                let magnitude = Float.random(in: -30...16, using: &generator)
                let numbers = (0..<2 * length).map { _ in
                    round % 2 == 1 && Bool.random(using: &generator)
                        ? special[Int.random(in: 0..<special.count, using: &generator)]
                        : Float.random(in: -1...1, using: &generator) * exp2(magnitude)
                }
                let (key, value) = (Array(numbers[..<length]), Array(numbers[length...]))
                let token = round % 32
                blocks.withCache { kernels.store_key_value(&$0, Int32(token), key, value) }
                let areBytes = torii_cache_has_key_bytes(type)
                let keys = Self.quantised(key, limit: TORII_KEY_LIMIT, areBytes: areBytes)
                let values = Self.quantised(value, limit: TORII_VALUE_LIMIT, areBytes: areBytes)
                for index in 0..<length {
                    let key = stored(blocks, isKey: true, token: token, dimension: index)
                    let value = stored(blocks, isKey: false, token: token, dimension: index)
                    #expect(key == keys[index] && key.isFinite, "\(set), key \(index)")
                    #expect(value == values[index] && value.isFinite, "\(set), value \(index)")
                }
            }
        }
    }
}
