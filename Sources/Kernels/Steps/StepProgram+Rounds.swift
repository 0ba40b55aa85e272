import CKernels
import Platform

// Safety: rows lie in the blocks that the batch's table names, which the caller checked against the
// cache, and in the workspace, which has room for every row of a batch.

/// A pass over a long text in rounds, so that other batches can run in between.
///
/// Tokens that all see each other need the keys and values of the whole text in each layer, but
/// apart from these every row goes its own way. So a round is what lies between two layers' keys and
/// values: the rest of one layer, then the queries, keys and values of the next. A round is run over
/// the rows of a text some at a time, in any order, and all of them before the next round. In
/// between each row lies in its KV block, behind the keys and values.
extension StepProgram {
    /// Layers of the cache that those of a program take turns in if it is run in rounds: a round reads
    /// what the round before has stored, and stores its own beside it.
    package static let pausableCacheLayerCount = 2

    /// Notes that a layer's keys and values are stored by the steps so far.
    func appendPause() { layerPauses.append(stepCount) }

    /// Rounds of a pass: one more than layers.
    package var roundCount: Int { layerPauses.count + 1 }

    private func steps(ofRound round: Int) -> Range<Int> {
        let start = round == 0 ? 0 : layerPauses[round - 1]
        return start..<(round == layerPauses.count ? stepCount : layerPauses[round])
    }

    /// Bytes that the row of a token takes between two rounds: the residual stream and the queries.
    ///
    /// - Parameters:
    ///   - embeddingLength: E.
    ///   - queryWidth: H D.
    /// - Returns: Bytes.
    package static func pausedRowByteCount(embeddingLength: Int, queryWidth: Int) -> Int {
        (embeddingLength + queryWidth) * MemoryLayout<Float>.size
    }

    /// Runs one round over the batch, which is some of the tokens of one text.
    ///
    /// - Parameters:
    ///   - round: From 0 to ``roundCount`` - 1. After the last one the rows that the batch has
    ///     selected are at ``pausedRow(position:blockTable:cache:blockByteCount:format:)``.
    ///   - cache: As that of ``run(cache:blockByteCount:format:)``; the layers of the program take
    ///     turns in the first ``pausableCacheLayerCount`` of it, and rows fit behind these.
    ///   - blockByteCount: Bytes from block to block.
    ///   - format: How the blocks hold keys and values.
    package func runRound(
        _ round: Int,
        cache: UnsafeMutableRawPointer,
        blockByteCount: Int,
        format: CacheFormat
    ) {
        precondition(batch.entryCount == 1, "a round is run over one text")
        let rows = unsafe pausedRows(in: cache, blockByteCount: blockByteCount, format)
        precondition(
            pausedRowOffset(format) + Int(TORII_BLOCK_TOKENS) * rows.rowByteCount
                <= blockByteCount,
            "rows fit into blocks behind keys and values"
        )
        let isLast = round == roundCount - 1
        if round > 0 { resume(rows) }
        unsafe run(
            steps(ofRound: round),
            cache: cache,
            blockByteCount: blockByteCount,
            format: format
        )
        if isLast { keepResults(rows) } else { pause(rows) }
    }

    /// The row of a position between two rounds; the hidden state `[E]` after the last, if it was
    /// selected.
    ///
    /// Parameters as those of ``runRound(_:cache:blockByteCount:format:)``.
    package func pausedRow(
        position: Int,
        blockTable: [Int32],
        cache: UnsafeMutableRawPointer,
        blockByteCount: Int,
        format: CacheFormat
    ) -> UnsafeBufferPointer<Float> {
        let rows = unsafe pausedRows(in: cache, blockByteCount: blockByteCount, format)
        let block = blockTable[position / Int(TORII_BLOCK_TOKENS)]
        return unsafe UnsafeBufferPointer(
            start: rows.row(position: position, block: block),
            count: shape.embeddingLength
        )
    }

    private func pausedRowOffset(_ format: CacheFormat) -> Int {
        Self.pausableCacheLayerCount * layerByteCount(format)
    }

    private func pausedRows(
        in cache: UnsafeMutableRawPointer,
        blockByteCount: Int,
        _ format: CacheFormat
    ) -> PausedRows {
        unsafe PausedRows(
            base: cache + pausedRowOffset(format),
            blockByteCount: blockByteCount,
            rowByteCount: Self.pausedRowByteCount(
                embeddingLength: shape.embeddingLength,
                queryWidth: shape.queryWidth
            )
        )
    }

    private func pause(_ rows: PausedRows) {
        let (width, queryWidth) = (shape.embeddingLength, shape.queryWidth)
        let descriptor = unsafe batch.descriptor
        for row in 0..<batch.rowCount {
            let place = unsafe rows.row(row, of: descriptor)
            unsafe place.update(from: workspace.residual + row * width, count: width)
            unsafe (place + width).update(
                from: workspace.projections + row * shape.projectionWidth,
                count: queryWidth
            )
        }
    }

    private func resume(_ rows: PausedRows) {
        let (width, queryWidth) = (shape.embeddingLength, shape.queryWidth)
        let descriptor = unsafe batch.descriptor
        for row in 0..<batch.rowCount {
            let place = unsafe rows.row(row, of: descriptor)
            unsafe (workspace.residual + row * width).update(from: place, count: width)
            unsafe (workspace.projections + row * shape.projectionWidth).update(
                from: place + width,
                count: queryWidth
            )
        }
    }

    private func keepResults(_ rows: PausedRows) {
        let width = shape.embeddingLength
        let descriptor = unsafe batch.descriptor
        for index in 0..<batch.selectedCount {
            let row = unsafe Int(descriptor.selected_rows[index])
            unsafe rows.row(row, of: descriptor).update(
                from: workspace.selectedResidual + index * width,
                count: width
            )
        }
    }
}

/// Where the rows of paused texts lie.
@safe
private struct PausedRows {
    /// The first block's rows.
    let base: UnsafeMutableRawPointer
    let blockByteCount: Int
    let rowByteCount: Int

    func row(position: Int, block: Int32) -> UnsafeMutablePointer<Float> {
        let place = position % Int(TORII_BLOCK_TOKENS)
        return unsafe (base + Int(block) * blockByteCount + place * rowByteCount)
            .assumingMemoryBound(to: Float.self)
    }

    /// A row of a batch of one entry.
    func row(_ index: Int, of batch: torii_batch) -> UnsafeMutablePointer<Float> {
        let position = unsafe Int(batch.positions[index])
        let block = unsafe batch.entries[0].block_table[position / Int(TORII_BLOCK_TOKENS)]
        return unsafe row(position: position, block: block)
    }
}
