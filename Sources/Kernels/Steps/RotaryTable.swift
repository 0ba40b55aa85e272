import Glibc
package import Platform

/// Cosines and sines of the rotary embedding, for each position and pair of dimensions.
///
/// Angles are computed in double precision when a position is first needed; memory is committed as
/// the table grows. Confined to the engine thread between runs; read by the kernels during a run.
@safe
package final class RotaryTable {
    /// How many positions fit.
    package let positionCount: Int
    /// Dimensions of a head that are rotated: twice the pairs.
    package let dimensionCount: Int

    private let frequencies: [Double]
    private let buffer: AlignedBuffer
    private var filledPositionCount = 0

    /// Reserves a table of `positionCount` positions.
    ///
    /// - Parameters:
    ///   - positionCount: At least 1.
    ///   - frequencies: The angle per position of each pair; not empty.
    /// - Throws: ENOMEM if the address space cannot be had.
    package init(positionCount: Int, frequencies: [Double]) throws(SystemError) {
        precondition(positionCount > 0 && !frequencies.isEmpty, "a rotary table is not empty")
        self.positionCount = positionCount
        self.frequencies = frequencies
        dimensionCount = 2 * frequencies.count
        buffer = try AlignedBuffer(
            byteCount: positionCount * dimensionCount * MemoryLayout<Float>.size,
            hugePages: false
        )
    }

    /// The frequencies `positionScale * base^(-2i/n) / factor[i]` of `n` rotated dimensions.
    ///
    /// - Parameters:
    ///   - dimensionCount: n, even.
    ///   - base: The base of the series.
    ///   - positionScale: What positions are multiplied with.
    ///   - factors: One divisor per pair (`rope_freqs.weight` of Llama 3), or nil.
    /// - Returns: The angle per position of each pair.
    package static func frequencies(
        dimensionCount: Int,
        base: Double,
        positionScale: Double,
        factors: [Float]?
    ) -> [Double] {
        precondition(
            factors == nil || factors?.count == dimensionCount / 2,
            "there is one rotary factor per pair of dimensions"
        )
        return (0..<dimensionCount / 2).map { pair in
            let frequency = pow(base, -2 * Double(pair) / Double(dimensionCount))
            return positionScale * frequency / Double(factors?[pair] ?? 1)
        }
    }

    /// Fills in all positions below `count`.
    ///
    /// - Complexity: O(n) in the positions that were not there yet.
    package func reserve(positions count: Int) {
        precondition(count <= positionCount, "positions are within the rotary table")
        guard count > filledPositionCount else { return }
        // Ahead of need, so that a decode step fills many positions once and then none for long.
        let end = min(positionCount, max(count, filledPositionCount + 256))
        for position in filledPositionCount..<end {
            for (pair, frequency) in frequencies.enumerated() {
                let angle = Double(position) * frequency
                let index = position * frequencies.count + pair
                // Safety: `index` is below positionCount × pairs in both halves of the buffer.
                unsafe cosines[index] = Float(cos(angle))
                unsafe sines[index] = Float(sin(angle))
            }
        }
        filledPositionCount = end
    }

    /// `[positions, pairs]`; valid as long as the table.
    var cosines: UnsafeMutablePointer<Float> {
        // Safety: the buffer holds two such arrays and nothing else.
        unsafe buffer.baseAddress.assumingMemoryBound(to: Float.self)
    }

    /// `[positions, pairs]`; valid as long as the table.
    var sines: UnsafeMutablePointer<Float> {
        unsafe cosines + positionCount * frequencies.count
    }
}
