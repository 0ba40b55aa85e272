import CKernels
import Platform

/// The scratch memory of a step program: activations between its steps, and the logits.
///
/// Sized for the largest batch and committed as batches first need it.
@safe
final class StepWorkspace {
    let residual: UnsafeMutablePointer<Float>
    let selectedResidual: UnsafeMutablePointer<Float>
    let projections: UnsafeMutablePointer<Float>
    let attention: UnsafeMutablePointer<Float>
    let gate: UnsafeMutablePointer<Float>
    let up: UnsafeMutablePointer<Float>
    let logits: UnsafeMutablePointer<Float>
    let sharedActivations: UnsafeMutablePointer<UInt8>
    let sharedValues: UnsafeMutablePointer<Float>
    let privateActivations: UnsafeMutablePointer<UInt8>
    let privateByteCount: Int
    let privateValuesOffset: Int
    /// Bytes of address space; most are committed by the largest batch that ever ran.
    let byteCount: Int

    private let buffer: AlignedBuffer

    /// - Throws: ENOMEM if the address space cannot be had.
    init(shape: StepProgram.Shape, threadCount: Int) throws(SystemError) {
        let rows = shape.maximumRowCount
        let widest = shape.widestInput
        // Whole sub-blocks: quantised inputs are multiples of 32 wide, others aren't quantised.
        let quantisedWidth = Int32((widest + 31) / 32 * 32)
        let privateRows = Int(TORII_PRIVATE_ROWS)
        privateValuesOffset = Self.lines(
            torii_activations_bytes(Int32(privateRows), quantisedWidth)
        )
        privateByteCount = privateValuesOffset + Self.floats(privateRows * widest)
        var layout = Layout()
        let residualOffset = layout.add(Self.floats(rows * shape.embeddingLength))
        let selectedOffset = layout.add(Self.floats(rows * shape.embeddingLength))
        let projectionsOffset = layout.add(Self.floats(rows * shape.projectionWidth))
        let attentionOffset = layout.add(Self.floats(rows * shape.queryWidth))
        let gateOffset = layout.add(Self.floats(rows * shape.feedForwardLength))
        let upOffset = layout.add(Self.floats(rows * shape.feedForwardLength))
        let logitsOffset = layout.add(Self.floats(rows * shape.vocabularySize))
        let sharedOffset = layout.add(
            Self.lines(torii_activations_bytes(Int32(rows), quantisedWidth))
        )
        let valuesOffset = layout.add(Self.floats(rows * widest))
        let privateOffset = layout.add(privateByteCount * threadCount)

        buffer = try AlignedBuffer(byteCount: layout.byteCount)
        byteCount = layout.byteCount
        // Safety: every piece lies inside the buffer, and each has one type for its whole life.
        unsafe residual = Self.floats(in: buffer, at: residualOffset)
        unsafe selectedResidual = Self.floats(in: buffer, at: selectedOffset)
        unsafe projections = Self.floats(in: buffer, at: projectionsOffset)
        unsafe attention = Self.floats(in: buffer, at: attentionOffset)
        unsafe gate = Self.floats(in: buffer, at: gateOffset)
        unsafe up = Self.floats(in: buffer, at: upOffset)
        unsafe logits = Self.floats(in: buffer, at: logitsOffset)
        unsafe sharedValues = Self.floats(in: buffer, at: valuesOffset)
        unsafe sharedActivations = (buffer.baseAddress + sharedOffset)
            .assumingMemoryBound(to: UInt8.self)
        unsafe privateActivations = (buffer.baseAddress + privateOffset)
            .assumingMemoryBound(to: UInt8.self)
    }

    /// Pieces one behind the other, each on its own pair of cache lines.
    private struct Layout {
        var byteCount = 0

        mutating func add(_ pieceByteCount: Int) -> Int {
            defer { byteCount += (pieceByteCount + 127) / 128 * 128 }
            return byteCount
        }
    }

    private static func lines(_ byteCount: Int) -> Int {
        (byteCount + 127) / 128 * 128
    }

    private static func floats(_ count: Int) -> Int {
        lines(count * MemoryLayout<Float>.size)
    }

    private static func floats(
        in buffer: AlignedBuffer,
        at offset: Int
    ) -> UnsafeMutablePointer<Float> {
        unsafe (buffer.baseAddress + offset).assumingMemoryBound(to: Float.self)
    }
}
