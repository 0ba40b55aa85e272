package import Platform

/// The keys and values of all KV blocks of one model.
///
/// A block holds 32 consecutive positions of one sequence for all layers, in one contiguous piece
/// of memory: `[layer][key/value head]` × (keys, values), laid out as `ops.h` says for the type.
/// Memory is zero at first and committed when first written; stored values are always finite.
///
/// Confined to the engine thread: it alone starts the kernels that read and write the blocks.
package final class KVStorage {
    /// B: positions in a KV block.
    package static let blockTokenCount = 32

    /// How keys and values are stored.
    package let type: KVType
    /// L.
    package let layerCount: Int
    /// K.
    package let keyValueHeadCount: Int
    /// D.
    package let headDimension: Int
    /// The number of blocks; block ids are `0 ..< blockCount`.
    package let blockCount: Int
    /// Bytes of one block.
    package let blockByteCount: Int

    private let buffer: AlignedBuffer

    /// Reserves `blockCount` blocks; at least one, each dimension positive.
    ///
    /// - Throws: `SystemError` if the address space cannot be had.
    package init(
        layerCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int,
        blockCount: Int,
        type: KVType = .f16
    ) throws(SystemError) {
        precondition(
            layerCount > 0 && keyValueHeadCount > 0 && headDimension > 0 && blockCount > 0,
            "every dimension of the KV storage is positive"
        )
        self.type = type
        self.layerCount = layerCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
        self.blockCount = blockCount
        blockByteCount = Self.blockByteCount(
            layerCount: layerCount,
            keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension,
            type: type
        )
        buffer = try AlignedBuffer(byteCount: blockByteCount * blockCount)
    }

    /// Bytes of one KV block of a model with these dimensions.
    package static func blockByteCount(
        layerCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int,
        type: KVType = .f16
    ) -> Int {
        layerCount * keyValueHeadCount * type.headByteCount(headDimension: headDimension)
    }

    /// All blocks, in the order of their ids; valid as long as the storage.
    package var baseAddress: UnsafeMutableRawPointer {
        // Safety: only the address is passed on; who follows it keeps the storage.
        unsafe buffer.baseAddress
    }

    /// Copies the keys and values of a block, all layers and positions, over those of another.
    ///
    /// No step may be under way.
    ///
    /// - Complexity: O(`blockByteCount`).
    package func copyBlock(from source: Int32, to target: Int32) {
        let blocks = 0..<Int32(blockCount)
        precondition(
            blocks.contains(source) && blocks.contains(target),
            "blocks are copied within the storage"
        )
        guard source != target else { return }
        // Safety: both blocks lie inside the buffer, and different blocks do not overlap.
        unsafe (buffer.baseAddress + Int(target) * blockByteCount).copyMemory(
            from: buffer.baseAddress + Int(source) * blockByteCount,
            byteCount: blockByteCount
        )
    }

    /// Gives the memory of blocks that nobody uses back to the system.
    ///
    /// Their pages read as zeros afterwards and are committed again when written. Pages that reach
    /// into a block outside `range` stay. No step may be under way.
    ///
    /// - Parameter range: Blocks of the storage, whose contents are lost.
    package func releaseMemory(ofBlocks range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= blockCount,
            "blocks are released within the storage"
        )
        buffer.releasePages(
            in: range.lowerBound * blockByteCount..<range.upperBound * blockByteCount
        )
    }
}
