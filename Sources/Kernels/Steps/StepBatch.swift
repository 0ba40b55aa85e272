import CKernels
import Platform

/// The batch descriptor that a run reads: plain arrays at fixed addresses, filled for each step.
@safe
final class StepBatch {
    private(set) var rowCount = 0
    private(set) var selectedCount = 0
    private(set) var entryCount = 0
    private var blockCount = 0
    /// Those of the entries, once for each run of neighbours, as long as the batch may be run.
    private var adapters: [StepAdapter] = []

    private let maximumRowCount: Int
    private let positionCount: Int
    private let blocksPerSequence: Int
    private let tokens: UnsafeMutablePointer<Int32>
    private let positions: UnsafeMutablePointer<Int32>
    private let selectedRows: UnsafeMutablePointer<Int32>
    private let entries: UnsafeMutablePointer<torii_batch_entry>
    private let blocks: UnsafeMutablePointer<Int32>
    private let buffer: AlignedBuffer

    /// Room for batches of up to `maximumRowCount` rows, each possibly of its own sequence with
    /// `positionCount` positions.
    init(maximumRowCount: Int, positionCount: Int) throws(SystemError) {
        self.maximumRowCount = maximumRowCount
        self.positionCount = positionCount
        blocksPerSequence = (positionCount + Int(TORII_BLOCK_TOKENS) - 1) / Int(TORII_BLOCK_TOKENS)
        let rowBytes = maximumRowCount * MemoryLayout<Int32>.size
        let entryBytes = unsafe maximumRowCount * MemoryLayout<torii_batch_entry>.stride
        buffer = try AlignedBuffer(
            byteCount: entryBytes + rowBytes * (3 + blocksPerSequence),
            hugePages: false
        )
        // Safety: the pieces follow each other inside the buffer, the wider alignment first.
        unsafe entries = buffer.baseAddress.assumingMemoryBound(to: torii_batch_entry.self)
        unsafe tokens = (buffer.baseAddress + entryBytes).assumingMemoryBound(to: Int32.self)
        unsafe positions = tokens + maximumRowCount
        unsafe selectedRows = positions + maximumRowCount
        unsafe blocks = selectedRows + maximumRowCount
    }

    func removeAll() {
        rowCount = 0
        selectedCount = 0
        entryCount = 0
        blockCount = 0
        releaseAdapters()
    }

    /// Lets go of the adapters: they are not kept in memory for the sake of a batch that was run.
    func releaseAdapters() {
        adapters.removeAll(keepingCapacity: true)
    }

    func append(
        tokens newTokens: ArraySlice<Int32>,
        firstPosition: Int,
        positionCount sequenceLength: Int,
        blockTable: [Int32],
        selectedCount newSelectedCount: Int,
        selectsFirst: Bool,
        adapter: StepAdapter?,
        vocabularySize: Int
    ) {
        let count = newTokens.count
        let neededBlocks =
            (sequenceLength + Int(TORII_BLOCK_TOKENS) - 1) / Int(TORII_BLOCK_TOKENS)
        precondition(
            count > 0 && firstPosition >= 0 && firstPosition + count <= sequenceLength
                && sequenceLength <= positionCount && rowCount + count <= maximumRowCount,
            "an entry has tokens, at positions of the context, and fits the batch"
        )
        precondition(
            blockTable.count >= neededBlocks && (0...count).contains(newSelectedCount),
            "an entry's block table reaches its last position"
        )
        // Safety: each array has room for maximumRowCount rows, and `blocks` for that many tables;
        // the preconditions bound every index.
        unsafe entries[entryCount] = torii_batch_entry(
            first_row: Int32(rowCount),
            row_count: Int32(count),
            first_selected: Int32(selectedCount),
            selected_count: Int32(newSelectedCount),
            position_count: Int32(sequenceLength),
            block_table: UnsafePointer(blocks + blockCount),
            adapter: adapter?.view
        )
        if let adapter, adapters.last !== adapter { adapters.append(adapter) }
        for index in 0..<neededBlocks {
            unsafe blocks[blockCount + index] = blockTable[index]
        }
        for (index, token) in newTokens.enumerated() {
            precondition(0 <= token && token < vocabularySize, "a token is in the vocabulary")
            unsafe tokens[rowCount + index] = token
            unsafe positions[rowCount + index] = Int32(firstPosition + index)
        }
        for index in 0..<newSelectedCount {
            let row = rowCount + (selectsFirst ? 0 : count - newSelectedCount) + index
            unsafe selectedRows[selectedCount + index] = Int32(row)
        }
        entryCount += 1
        blockCount += neededBlocks
        rowCount += count
        selectedCount += newSelectedCount
    }

    /// The descriptor without the cache; its pointers live as long as this object.
    var descriptor: torii_batch {
        var batch = unsafe torii_batch()
        unsafe batch.row_count = Int32(rowCount)
        unsafe batch.tokens = UnsafePointer(tokens)
        unsafe batch.positions = UnsafePointer(positions)
        unsafe batch.selected_count = Int32(selectedCount)
        unsafe batch.selected_rows = UnsafePointer(selectedRows)
        unsafe batch.entry_count = Int32(entryCount)
        unsafe batch.entries = UnsafePointer(entries)
        unsafe batch.has_adapters = !adapters.isEmpty
        return unsafe batch
    }
}
