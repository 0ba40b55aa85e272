import CKernels
import Platform

/// The scratch memory of a step program: activations between its steps, and the logits.
///
/// Sized for the largest batch and committed as batches first need it.
@safe
final class StepWorkspace {
    let residual: UnsafeMutablePointer<Float>
    let selectedResidual: UnsafeMutablePointer<Float>
    /// Queries, keys and values; after attention the output of a branch that is normalised or scaled
    /// before it joins the residual stream.
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
        let layout = Layout(
            shape: shape,
            threadCount: threadCount,
            logitRowCount: shape.maximumRowCount
        )
        privateByteCount = layout.privateByteCount
        privateValuesOffset = layout.privateValuesOffset
        buffer = try AlignedBuffer(byteCount: layout.byteCount)
        byteCount = layout.byteCount
        // Safety: every piece lies inside the buffer, and each has one type for its whole life.
        unsafe residual = Self.floats(in: buffer, at: layout.residual)
        unsafe selectedResidual = Self.floats(in: buffer, at: layout.selectedResidual)
        unsafe projections = Self.floats(in: buffer, at: layout.projections)
        unsafe attention = Self.floats(in: buffer, at: layout.attention)
        unsafe gate = Self.floats(in: buffer, at: layout.gate)
        unsafe up = Self.floats(in: buffer, at: layout.up)
        unsafe logits = Self.floats(in: buffer, at: layout.logits)
        unsafe sharedValues = Self.floats(in: buffer, at: layout.sharedValues)
        unsafe sharedActivations = (buffer.baseAddress + layout.sharedActivations)
            .assumingMemoryBound(to: UInt8.self)
        unsafe privateActivations = (buffer.baseAddress + layout.privateActivations)
            .assumingMemoryBound(to: UInt8.self)
    }

    /// The bytes that batches commit of which no more than `logitRowCount` tokens get logits; inputs
    /// as floats are only written for weights that are floats.
    static func committedByteCount(
        shape: StepProgram.Shape,
        threadCount: Int,
        logitRowCount: Int,
        hasFloatWeights: Bool
    ) -> Int {
        let layout = Layout(
            shape: shape,
            threadCount: threadCount,
            logitRowCount: min(logitRowCount, shape.maximumRowCount)
        )
        let values = layout.privateActivations - layout.sharedValues
        return layout.byteCount - (hasFloatWeights ? 0 : values)
    }

    /// Offsets of pieces one behind the other, each on its own pair of cache lines.
    private struct Layout {
        private(set) var byteCount = 0
        var residual = 0
        var selectedResidual = 0
        var projections = 0
        var attention = 0
        var gate = 0
        var up = 0
        var logits = 0
        var sharedActivations = 0
        var sharedValues = 0
        var privateActivations = 0
        let privateByteCount: Int
        let privateValuesOffset: Int

        init(shape: StepProgram.Shape, threadCount: Int, logitRowCount: Int) {
            let rows = shape.maximumRowCount
            let widest = shape.widestInput
            // Whole sub-blocks: quantised inputs are multiples of 32 wide, others aren't quantised.
            let quantisedWidth = Int32((widest + 31) / 32 * 32)
            let privateRows = Int(TORII_PRIVATE_ROWS)
            privateValuesOffset = StepWorkspace.lines(
                torii_activations_bytes(Int32(privateRows), quantisedWidth)
            )
            privateByteCount = privateValuesOffset + StepWorkspace.floats(privateRows * widest)
            residual = add(StepWorkspace.floats(rows * shape.embeddingLength))
            selectedResidual = add(StepWorkspace.floats(rows * shape.embeddingLength))
            projections = add(
                StepWorkspace.floats(rows * max(shape.projectionWidth, shape.embeddingLength))
            )
            attention = add(StepWorkspace.floats(rows * shape.queryWidth))
            gate = add(StepWorkspace.floats(rows * shape.feedForwardLength))
            up = add(StepWorkspace.floats(rows * shape.feedForwardLength))
            logits = add(StepWorkspace.floats(logitRowCount * shape.logitCount))
            sharedActivations = add(
                StepWorkspace.lines(torii_activations_bytes(Int32(rows), quantisedWidth))
            )
            sharedValues = add(StepWorkspace.floats(rows * widest))
            privateActivations = add(privateByteCount * threadCount)
        }

        private mutating func add(_ pieceByteCount: Int) -> Int {
            defer { byteCount += StepWorkspace.lines(pieceByteCount) }
            return byteCount
        }
    }

    fileprivate static func lines(_ byteCount: Int) -> Int {
        (byteCount + 127) / 128 * 128
    }

    fileprivate static func floats(_ count: Int) -> Int {
        lines(count * MemoryLayout<Float>.size)
    }

    private static func floats(
        in buffer: AlignedBuffer,
        at offset: Int
    ) -> UnsafeMutablePointer<Float> {
        unsafe (buffer.baseAddress + offset).assumingMemoryBound(to: Float.self)
    }
}
