import KVCache
import Testing

@Suite struct KVStorageTests {
    private func storage(_ type: KVType, headDimension: Int = 80) throws -> KVStorage {
        try KVStorage(
            layerCount: 3,
            keyValueHeadCount: 2,
            headDimension: headDimension,
            blockCount: 5,
            type: type
        )
    }

    private func bytes(_ storage: KVStorage, block: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: storage.baseAddress + block * storage.blockByteCount,
            count: storage.blockByteCount
        )
    }

    private func fill(_ storage: KVStorage) {
        for block in 0..<storage.blockCount {
            let bytes = bytes(storage, block: block)
            for index in bytes.indices { bytes[index] = UInt8(index % 251 + block) }
        }
    }

    @Test func `bytes come to 16.25 and 8.5 bits a number`() throws {
        let numbers = 2 * 32 * 3 * 2 * 64
        #expect(try storage(.f16, headDimension: 64).blockByteCount == numbers * 65 / 32)
        #expect(try storage(.q8, headDimension: 64).blockByteCount == numbers * 17 / 16)
        #expect(try storage(.q8, headDimension: 80).blockByteCount == 3 * 2 * 64 * (80 + 3 * 2))
    }

    @Test(arguments: KVType.allCases)
    func `a copied block has the bytes of the other, and no other changes`(type: KVType) throws {
        let storage = try storage(type)
        fill(storage)
        let before = (0..<5).map { Array(bytes(storage, block: $0)) }
        storage.copyBlock(from: 1, to: 3)
        storage.copyBlock(from: 2, to: 2)
        for block in 0..<5 {
            #expect(Array(bytes(storage, block: block)) == before[block == 3 ? 1 : block])
        }
    }

    @Test(arguments: KVType.allCases)
    func `releasing blocks clears whole pages inside them and nothing else`(type: KVType) throws {
        for range in [0..<0, 0..<1, 1..<3, 3..<5, 0..<5] {
            let storage = try storage(type)
            fill(storage)
            let before = (0..<5).map { Array(bytes(storage, block: $0)) }
            storage.releaseMemory(ofBlocks: range)
            let first = (range.lowerBound * storage.blockByteCount + 4095) / 4096 * 4096
            let end =
                range.upperBound == 5
                ? 5 * storage.blockByteCount
                : range.upperBound * storage.blockByteCount / 4096 * 4096
            for block in 0..<5 {
                let expected = before[block].enumerated().map { index, byte in
                    let offset = block * storage.blockByteCount + index
                    return !range.isEmpty && offset >= first && offset < end ? 0 : byte
                }
                #expect(Array(bytes(storage, block: block)) == expected, "\(range), \(block)")
            }
        }
    }
}
