import KVCache
import Kernels

// Texts of encoders that are computed in parts; see `ForwardBatch.Part`.
extension Transformer {
    /// Does an entry's part of its text's work.
    func compute(_ entry: ForwardBatch.Entry, cache: KVStorage) {
        guard let part = entry.part else { return }
        let tokenCount = entry.tokens.count
        let selected = entry.selectedTokens
        let workCount = (program.roundCount - 1) * tokenCount + selected.count
        precondition(
            configuration.isEncoder && entry.firstPosition == 0 && !part.work.isEmpty
                && part.work.lowerBound >= 0 && part.work.upperBound <= workCount
                && part.isEnd == (part.work.upperBound == workCount),
            "a part is some of the work on a whole text"
        )
        var next = part.work.lowerBound
        while next < part.work.upperBound {
            let round = min(next / tokenCount, program.roundCount - 1)
            let isLast = round == program.roundCount - 1
            let start = round * tokenCount
            let end = min(part.work.upperBound, isLast ? workCount : start + tokenCount)
            let offset = isLast ? selected.lowerBound : 0
            for rows in Self.batches(of: next - start + offset..<end - start + offset) {
                compute(rows, of: entry, selects: isLast, inRound: round, cache: cache)
            }
            next = end
        }
    }

    /// Cuts rows into as few batches as can be, of about one size.
    private static func batches(of rows: Range<Int>) -> [Range<Int>] {
        let count = (rows.count + maximumBatchTokenCount - 1) / maximumBatchTokenCount
        return (0..<count).map { index in
            let (start, end) = (index * rows.count / count, (index + 1) * rows.count / count)
            return rows.lowerBound + start..<rows.lowerBound + end
        }
    }

    private func compute(
        _ rows: Range<Int>,
        of entry: ForwardBatch.Entry,
        selects: Bool,
        inRound round: Int,
        cache: KVStorage
    ) {
        let first = entry.tokens.startIndex + rows.lowerBound
        program.beginBatch()
        program.append(
            tokens: entry.tokens[first..<first + rows.count],
            firstPosition: rows.lowerBound,
            positionCount: entry.tokens.count,
            blockTable: entry.blockTable,
            logitRowCount: selects ? rows.count : 0,
            adapter: entry.adapter?.factors
        )
        // Safety: the block table was checked against the storage, which outlives the call.
        unsafe program.runRound(
            round,
            cache: cache.baseAddress,
            blockByteCount: cache.blockByteCount,
            format: Self.format(of: cache.type)
        )
    }

    /// The hidden states of an entry whose part is the last; none of another.
    func states(
        endedIn entry: ForwardBatch.Entry,
        cache: KVStorage
    ) -> [UnsafeBufferPointer<Float>] {
        guard entry.part?.isEnd == true else { return unsafe [] }
        // Safety: as above; the last round has left the selected rows in the blocks.
        return unsafe entry.selectedTokens.map { position in
            unsafe program.pausedRow(
                position: position,
                blockTable: entry.blockTable,
                cache: cache.baseAddress,
                blockByteCount: cache.blockByteCount,
                format: Self.format(of: cache.type)
            )
        }
    }
}
