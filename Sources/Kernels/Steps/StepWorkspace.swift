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
    /// `[rows, X + 1]`: a router's logits, then that of an expert which every row passes.
    let routerLogits: UnsafeMutablePointer<Float>
    /// `[slots, E]`.
    let expertOutputs: UnsafeMutablePointer<Float>
    /// `[rows, TORII_STEP_MATRICES, TORII_RANK_MAX]`: rows between the factors of adapters.
    let lowRanks: UnsafeMutablePointer<Float>
    private let routingArrays: UnsafeMutablePointer<Int32>
    private let slotCount: Int
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
        unsafe routerLogits = Self.floats(in: buffer, at: layout.routerLogits)
        unsafe expertOutputs = Self.floats(in: buffer, at: layout.expertOutputs)
        unsafe lowRanks = Self.floats(in: buffer, at: layout.lowRanks)
        unsafe routingArrays = (buffer.baseAddress + layout.routing)
            .assumingMemoryBound(to: Int32.self)
        slotCount = shape.slotCount
        unsafe sharedValues = Self.floats(in: buffer, at: layout.sharedValues)
        unsafe sharedActivations = (buffer.baseAddress + layout.sharedActivations)
            .assumingMemoryBound(to: UInt8.self)
        unsafe privateActivations = (buffer.baseAddress + layout.privateActivations)
            .assumingMemoryBound(to: UInt8.self)
    }

    /// How rows find their experts, with arrays for as many rows as there may be.
    func routing(_ experts: StepProgram.ExpertShape?) -> torii_routing {
        guard let experts else { return unsafe torii_routing() }
        // Safety: the piece has four arrays of `slotCount` and one of X + 1 numbers.
        return unsafe torii_routing(
            expert_count: Int32(experts.count),
            active_count: Int32(experts.activeCount),
            normalizes: experts.normalizes,
            weight_scale: experts.weightScale,
            experts: routingArrays,
            weights: UnsafeMutableRawPointer(routingArrays + slotCount)
                .assumingMemoryBound(to: Float.self),
            slots: routingArrays + 2 * slotCount,
            slot_rows: routingArrays + 3 * slotCount,
            first_slots: routingArrays + 4 * slotCount
        )
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
        return layout.lowRanks - (hasFloatWeights ? 0 : layout.sharedValuesByteCount)
    }

    /// The bytes that batches commit besides when rows have adapters, which read inputs as floats.
    static func adapterByteCount(shape: StepProgram.Shape, hasFloatWeights: Bool) -> Int {
        let layout = Layout(shape: shape, threadCount: 1, logitRowCount: 0)
        return layout.byteCount - layout.lowRanks
            + (hasFloatWeights ? 0 : layout.sharedValuesByteCount)
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
        var routerLogits = 0
        var expertOutputs = 0
        var routing = 0
        var sharedActivations = 0
        var sharedValues = 0
        var privateActivations = 0
        var lowRanks = 0
        let privateByteCount: Int
        let privateValuesOffset: Int

        init(shape: StepProgram.Shape, threadCount: Int, logitRowCount: Int) {
            let rows = shape.maximumRowCount
            let slots = shape.slotCount
            let experts = shape.experts
            let widest = max(shape.widestInput, shape.widestSlot)
            let privateRows = Int(TORII_PRIVATE_ROWS)
            privateValuesOffset = StepWorkspace.lines(
                StepWorkspace.quantised(privateRows, widest)
            )
            privateByteCount = privateValuesOffset + StepWorkspace.floats(privateRows * widest)
            residual = add(StepWorkspace.floats(rows * shape.embeddingLength))
            selectedResidual = add(StepWorkspace.floats(rows * shape.embeddingLength))
            projections = add(
                StepWorkspace.floats(rows * max(shape.projectionWidth, shape.embeddingLength))
            )
            attention = add(StepWorkspace.floats(rows * shape.queryWidth))
            let inner = max(rows * shape.feedForwardLength, slots * (experts?.length ?? 0))
            gate = add(StepWorkspace.floats(inner))
            up = add(StepWorkspace.floats(inner))
            logits = add(StepWorkspace.floats(logitRowCount * shape.logitCount))
            if let experts {
                routerLogits = add(StepWorkspace.floats(rows * (experts.count + 1)))
                expertOutputs = add(StepWorkspace.floats(slots * shape.embeddingLength))
                routing = add(StepWorkspace.floats(4 * slots + experts.count + 1))
            }
            sharedActivations = add(
                max(
                    StepWorkspace.quantised(rows, shape.widestInput),
                    StepWorkspace.quantised(slots, shape.widestSlot)
                )
            )
            sharedValues = add(
                StepWorkspace.floats(max(rows * shape.widestInput, slots * shape.widestSlot))
            )
            privateActivations = add(privateByteCount * threadCount)
            lowRanks = add(
                StepWorkspace.floats(rows * Int(TORII_STEP_MATRICES) * StepAdapter.maximumRank)
            )
        }

        var sharedValuesByteCount: Int { privateActivations - sharedValues }

        private mutating func add(_ pieceByteCount: Int) -> Int {
            defer { byteCount += StepWorkspace.lines(pieceByteCount) }
            return byteCount
        }
    }

    /// Bytes of quantised rows, of whole sub-blocks: other inputs are not quantised.
    fileprivate static func quantised(_ rows: Int, _ width: Int) -> Int {
        lines(torii_activations_bytes(Int32(rows), Int32((width + 31) / 32 * 32)))
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
