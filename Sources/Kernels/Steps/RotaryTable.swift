import CKernels
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

    /// How queries grow with their position p: by `1 + scale * ln(1 + floor(p / length))`.
    package struct Temperature: Sendable, Hashable {
        /// 0: not at all.
        package var scale: Double
        /// The positions of a step.
        package var length: Int

        /// A growth by `scale` for each factor e of `length` positions.
        package init(scale: Double, length: Int) {
            self.scale = scale
            self.length = length
        }

        func factor(_ position: Int) -> Double {
            1 + scale * log(1 + Double(position / length))
        }
    }

    private let frequencies: [Double]
    private let magnitude: Double
    private let temperature: Temperature?
    private let buffer: AlignedBuffer
    private var filledPositionCount = 0

    /// Reserves a table of `positionCount` positions.
    ///
    /// - Parameters:
    ///   - positionCount: At least 1.
    ///   - frequencies: The angle per position of each pair; not empty.
    ///   - magnitude: What rotated dimensions are multiplied with besides.
    ///   - temperature: What queries are multiplied with besides, or nil.
    /// - Throws: ENOMEM if the address space cannot be had.
    package init(
        positionCount: Int,
        frequencies: [Double],
        magnitude: Double = 1,
        temperature: Temperature? = nil
    ) throws(SystemError) {
        precondition(positionCount > 0 && !frequencies.isEmpty, "a rotary table is not empty")
        self.positionCount = positionCount
        self.frequencies = frequencies
        self.magnitude = magnitude
        self.temperature = temperature
        dimensionCount = 2 * frequencies.count
        buffer = try AlignedBuffer(
            byteCount: Self.byteCount(
                positionCount: positionCount,
                dimensionCount: dimensionCount,
                hasTemperature: temperature != nil
            ),
            hugePages: false
        )
    }

    /// The bytes of a table, once all positions were needed.
    package static func byteCount(
        positionCount: Int,
        dimensionCount: Int,
        hasTemperature: Bool
    ) -> Int {
        positionCount * (dimensionCount + (hasTemperature ? 1 : 0)) * MemoryLayout<Float>.size
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
                unsafe cosines[index] = Float(magnitude * cos(angle))
                unsafe sines[index] = Float(magnitude * sin(angle))
            }
            // Safety: with a temperature, the buffer has a third array of positionCount floats.
            if let temperature {
                unsafe queryFactors[position] = Float(temperature.factor(position))
            }
        }
        filledPositionCount = end
    }

    /// The table as the kernels read it; valid as long as the table.
    var view: torii_rotary {
        unsafe torii_rotary(
            rotated_dimensions: Int32(dimensionCount),
            cosines: cosines,
            sines: sines,
            query_factors: temperature == nil ? nil : queryFactors
        )
    }

    /// `[positions, pairs]`.
    private var cosines: UnsafeMutablePointer<Float> {
        // Safety: the buffer holds floats and nothing else, these first.
        unsafe buffer.baseAddress.assumingMemoryBound(to: Float.self)
    }

    /// `[positions, pairs]`.
    private var sines: UnsafeMutablePointer<Float> {
        unsafe cosines + positionCount * frequencies.count
    }

    /// `[positions]`, if there is a temperature.
    private var queryFactors: UnsafeMutablePointer<Float> {
        unsafe sines + positionCount * frequencies.count
    }
}
