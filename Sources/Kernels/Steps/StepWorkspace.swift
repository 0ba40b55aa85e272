import CKernels
import Platform

/// The scratch memory of a step program: activations between its steps, and the logits.
///
/// Sized for the largest batch, and committed as batches first need it or by ``commit``. What is used
/// by some programs only, or by large batches, lies last.
@safe
final class StepWorkspace {
    let residual: UnsafeMutablePointer<Float>
    let selectedResidual: UnsafeMutablePointer<Float>
    /// Queries, keys and values; after attention the output of a branch that is normalised or scaled
    /// before it joins the residual stream.
    let projections: UnsafeMutablePointer<Float>
    let attention: UnsafeMutablePointer<Float>
    let gate: UnsafeMutablePointer<Float>
    /// Floats of `gate`.
    let gateCount: Int
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
    let sharedRemainders: UnsafeMutablePointer<UInt8>
    let privateActivations: UnsafeMutablePointer<UInt8>
    let privatePiece: PrivatePiece
    /// Bytes of address space; most are committed by the largest batch that ever ran.
    let byteCount: Int

    private let buffer: AlignedBuffer
    private let layout: Layout
    /// Rows of logits that stay committed; nil if nothing was committed ahead.
    private var keptLogitRowCount: Int?
    /// Of the batches since memory was last given back.
    private var largestLogitRowCount = 0
    private var batchCount = 0

    /// Batches after which rows of logits that none of them needed are given back.
    private static let batchesUntilRelease = 1000

    /// - Throws: ENOMEM if the address space cannot be had.
    init(shape: StepProgram.Shape, threadCount: Int) throws(SystemError) {
        let layout = Layout(
            shape: shape,
            threadCount: threadCount,
            logitRowCount: shape.maximumRowCount
        )
        self.layout = layout
        privatePiece = layout.privatePiece
        buffer = try AlignedBuffer(byteCount: layout.byteCount)
        byteCount = layout.byteCount
        // Safety: every piece lies inside the buffer, and each has one type for its whole life.
        unsafe residual = Self.floats(in: buffer, at: layout.residual)
        unsafe selectedResidual = Self.floats(in: buffer, at: layout.selectedResidual)
        unsafe projections = Self.floats(in: buffer, at: layout.projections)
        unsafe attention = Self.floats(in: buffer, at: layout.attention)
        unsafe gate = Self.floats(in: buffer, at: layout.gate)
        gateCount = (layout.up - layout.gate) / MemoryLayout<Float>.size
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
        unsafe sharedRemainders = (buffer.baseAddress + layout.sharedRemainders)
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

    /// Commits what batches use of which no more than `logitRowCount` tokens get logits.
    func commit(logitRowCount: Int, withValues: Bool) {
        let count = min(logitRowCount, layout.maximumLogitRowCount)
        keptLogitRowCount = count
        buffer.commit(0..<layout.logits + count * layout.logitRowByteCount)
        if withValues { buffer.commit(layout.sharedValues..<layout.lowRanks) }
    }

    /// Notes a batch of which so many tokens have got logits.
    ///
    /// Rows beyond those that are kept, and that nobody has needed for some time, are given back.
    func noteLogitRows(_ count: Int) {
        guard let keptLogitRowCount else { return }
        largestLogitRowCount = max(largestLogitRowCount, count)
        batchCount += 1
        guard batchCount >= Self.batchesUntilRelease else { return }
        let first = max(keptLogitRowCount, largestLogitRowCount)
        let start = layout.logits + first * layout.logitRowByteCount
        if start < layout.sharedValues { buffer.releasePages(in: start..<layout.sharedValues) }
        batchCount = 0
        largestLogitRowCount = 0
    }

    /// The bytes that batches commit of which no more than `logitRowCount` tokens get logits; inputs
    /// as floats are only written for products that read them.
    static func committedByteCount(
        shape: StepProgram.Shape,
        threadCount: Int,
        logitRowCount: Int,
        readsValues: Bool
    ) -> Int {
        let layout = Layout(
            shape: shape,
            threadCount: threadCount,
            logitRowCount: min(logitRowCount, shape.maximumRowCount)
        )
        return readsValues ? layout.lowRanks : layout.sharedValues
    }

    /// The bytes that batches commit besides when rows have adapters, which read inputs as floats.
    static func adapterByteCount(shape: StepProgram.Shape, readsValues: Bool) -> Int {
        let layout = Layout(shape: shape, threadCount: 1, logitRowCount: 0)
        return layout.byteCount - (readsValues ? layout.lowRanks : layout.sharedValues)
    }

    /// What each thread has for few rows: quantised rows, then at these offsets their values, their
    /// remainders and one row more.
    struct PrivatePiece {
        let values: Int
        let remainders: Int
        let row: Int
        let byteCount: Int

        init(widest: Int, refines: Bool) {
            let rows = Int(TORII_PRIVATE_ROWS)
            let quants = StepWorkspace.quantised(rows, widest)
            values = quants
            remainders = values + StepWorkspace.floats(rows * widest)
            row = remainders + (refines ? quants : 0)
            byteCount = row + StepWorkspace.floats(widest)
        }
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
        var routerLogits = 0
        var expertOutputs = 0
        var routing = 0
        var sharedActivations = 0
        var sharedRemainders = 0
        var privateActivations = 0
        var logits = 0
        var sharedValues = 0
        var lowRanks = 0
        let privatePiece: PrivatePiece
        let maximumLogitRowCount: Int
        let logitRowByteCount: Int

        init(shape: StepProgram.Shape, threadCount: Int, logitRowCount: Int) {
            let rows = shape.maximumRowCount
            let slots = shape.slotCount
            let experts = shape.experts
            maximumLogitRowCount = logitRowCount
            logitRowByteCount = shape.logitCount * MemoryLayout<Float>.size
            privatePiece = PrivatePiece(
                widest: max(shape.widestInput, shape.widestSlot),
                refines: shape.refinesInputs
            )
            let quantised = max(
                StepWorkspace.quantised(rows, shape.widestInput),
                StepWorkspace.quantised(slots, shape.widestSlot)
            )
            residual = add(StepWorkspace.floats(rows * shape.embeddingLength))
            selectedResidual = add(StepWorkspace.floats(rows * shape.embeddingLength))
            projections = add(
                StepWorkspace.floats(rows * max(shape.projectionWidth, shape.embeddingLength))
            )
            attention = add(StepWorkspace.floats(rows * shape.queryWidth))
            let inner = max(rows * shape.feedForwardLength, slots * (experts?.length ?? 0))
            gate = add(StepWorkspace.floats(inner))
            up = add(StepWorkspace.floats(inner))
            if let experts {
                routerLogits = add(StepWorkspace.floats(rows * (experts.count + 1)))
                expertOutputs = add(StepWorkspace.floats(slots * shape.embeddingLength))
                routing = add(StepWorkspace.floats(4 * slots + experts.count + 1))
            }
            sharedActivations = add(quantised)
            sharedRemainders = add(shape.refinesInputs ? quantised : 0)
            privateActivations = add(privatePiece.byteCount * threadCount)
            logits = add(StepWorkspace.floats(logitRowCount * shape.logitCount))
            sharedValues = add(
                StepWorkspace.floats(max(rows * shape.widestInput, slots * shape.widestSlot))
            )
            lowRanks = add(
                StepWorkspace.floats(rows * Int(TORII_STEP_MATRICES) * StepAdapter.maximumRank)
            )
        }

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
