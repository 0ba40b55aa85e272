package import Platform

/// The keys and values of all KV blocks of one model, as half-precision floats.
///
/// A block holds 32 consecutive positions of one sequence for all layers:
/// `[layer][key/value head]` × (keys `[2][D][16]`, token in lanes, then values `[32][D]`), so that a
/// block is one contiguous piece of memory. Memory is zero at first and committed when first
/// written; stored values are always finite.
///
/// Confined to the engine thread: it alone starts the kernels that read and write the blocks.
package final class KVStorage {
    /// B: positions in a KV block.
    package static let blockTokenCount = 32

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
        blockCount: Int
    ) throws(SystemError) {
        precondition(
            layerCount > 0 && keyValueHeadCount > 0 && headDimension > 0 && blockCount > 0,
            "every dimension of the KV storage is positive"
        )
        self.layerCount = layerCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
        self.blockCount = blockCount
        blockByteCount = Self.blockByteCount(
            layerCount: layerCount,
            keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension
        )
        buffer = try AlignedBuffer(byteCount: blockByteCount * blockCount)
    }

    /// Bytes of one KV block of a model with these dimensions.
    package static func blockByteCount(
        layerCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int
    ) -> Int {
        2 * MemoryLayout<UInt16>.size * blockTokenCount * layerCount * keyValueHeadCount
            * headDimension
    }

    /// All blocks, in the order of their ids; valid as long as the storage.
    package var baseAddress: UnsafeMutableRawPointer {
        // Safety: only the address is passed on; who follows it keeps the storage.
        unsafe buffer.baseAddress
    }
}
