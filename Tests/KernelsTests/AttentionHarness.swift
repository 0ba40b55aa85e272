import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// KV blocks of one head, filled through the kernels themselves.
final class KernelBlocks {
    let length: Int
    let type: torii_cache_type
    let table: [Int32]
    /// In units of two bytes, so that words and scales are aligned.
    private(set) var memory: [UInt16]
    private let blockByteCount: Int

    init(length: Int, blockCount: Int, type: torii_cache_type = TORII_CACHE_WORDS) {
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

    func store(_ kernels: torii_vector_kernels, _ keys: [[Float]], _ values: [[Float]]) {
        for position in keys.indices {
            withCache {
                kernels.store_key_value(&$0, Int32(position), keys[position], values[position])
            }
        }
    }
}

/// One query and what it sees.
struct AttentionRow {
    var query: [Float]
    var position: Int
    var visible: ClosedRange<Int>
    var slope: Float = 0
    var sink: Float = 0
}

/// Options that all rows of a call share.
struct AttentionOptions {
    var softCap: Float = 0
    var hasDistances = false
    var hasSinks = false
}

extension KernelBlocks {
    /// Attends at most `count` rows to a call.
    ///
    /// With `arePieces` a result is a piece as the kernels leave it, with its tail.
    func attend(
        _ kernels: torii_vector_kernels,
        _ rows: [AttentionRow],
        _ options: AttentionOptions = AttentionOptions(),
        atOnce count: Int,
        arePieces: Bool = false
    ) -> [[Float]] {
        let width = length + (arePieces ? Int(TORII_PIECE_TAIL) : 0)
        let source = UnsafeMutablePointer<Float>.allocate(capacity: rows.count * length)
        let target = UnsafeMutablePointer<Float>.allocate(capacity: rows.count * width)
        defer {
            source.deallocate()
            target.deallocate()
        }
        for (index, value) in rows.flatMap(\.query).enumerated() { source[index] = value }
        for first in stride(from: 0, to: rows.count, by: count) {
            let part = rows[first..<min(first + count, rows.count)]
            var group = torii_query_rows()
            group.row_count = Int32(part.count)
            group.soft_cap = options.softCap
            group.has_distances = options.hasDistances
            group.has_sinks = options.hasSinks
            fill(&group.query, part.indices.map { UnsafePointer(source + $0 * length) })
            fill(&group.output, part.indices.map { target + $0 * width })
            fill(&group.position, part.map { Int32($0.position) })
            fill(&group.first, part.map { Int32($0.visible.lowerBound) })
            fill(&group.last, part.map { Int32($0.visible.upperBound) })
            fill(&group.slope, part.map(\.slope))
            fill(&group.sink, part.map(\.sink))
            fill(&group.is_piece, part.map { _ in arePieces })
            withCache { kernels.attend(&$0, &group) }
        }
        return rows.indices.map { row in (0..<width).map { target[row * width + $0] } }
    }

    /// Attends each piece that a row sees by itself, then puts them together.
    func attendPieces(
        _ kernels: torii_vector_kernels,
        _ row: AttentionRow,
        _ options: AttentionOptions
    ) -> [Float] {
        let piece = Int(TORII_ATTENTION_PIECE)
        let parts = (row.visible.lowerBound / piece...row.visible.upperBound / piece).map {
            var part = row
            part.visible = row.visible.clamped(to: $0 * piece...($0 + 1) * piece - 1)
            return part
        }
        let sink: [Float]? = options.hasSinks ? [row.sink] : nil
        var result = [Float](repeating: 0, count: length)
        kernels.merge_pieces(
            attend(kernels, parts, options, atOnce: 1, arePieces: true).flatMap { $0 },
            Int32(parts.count),
            Int32(length),
            sink,
            &result
        )
        return result
    }

    /// Writes the values to the first places of a C array.
    private func fill<Array, Value>(_ array: inout Array, _ values: [Value]) {
        withUnsafeMutableBytes(of: &array) { bytes in
            let places = bytes.assumingMemoryBound(to: Value.self)
            for (index, value) in values.enumerated() { places[index] = value }
        }
    }
}

/// The definition, in double precision.
func exactAttention(
    _ row: AttentionRow,
    _ options: AttentionOptions,
    keys: [[Float]],
    values: [[Float]]
) -> [Double] {
    var scores = row.visible.map { position in
        var score = zip(row.query, keys[position]).reduce(0.0) {
            $0 + Double($1.0) * Double($1.1)
        }
        if options.softCap > 0 {
            score = Double(options.softCap) * tanh(score / Double(options.softCap))
        }
        if options.hasDistances {
            score -= Double(row.slope) * Double(abs(row.position - position))
        }
        return score
    }
    if options.hasSinks { scores.append(Double(row.sink)) }
    let maximum = scores.max() ?? 0
    let weights = scores.map { exp($0 - maximum) }
    let sum = weights.reduce(0, +)
    return row.query.indices.map { index in
        zip(row.visible, weights).reduce(0.0) { $0 + $1.1 * Double(values[$1.0][index]) } / sum
    }
}
