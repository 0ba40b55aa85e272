import ModelFiles

/// What stands behind the matrices in a file of packed weights: which they are, and where.
///
/// Pure. The file, all numbers little-endian:
///
/// | part | bytes |
/// | --- | --- |
/// | ``magic``, then zeros | up to 4,096 |
/// | the packed matrices, each from a multiple of 4,096 on | as ``Entry`` says |
/// | the index: identity, layout, number of entries, entries | |
/// | footer: index' offset, its length, its ``PieceChecksum``, ``magic`` | 32 |
///
/// A string is its length (8 bytes) and its UTF-8. The footer is written last: what a writer that was
/// stopped leaves has none.
struct CachedWeightsIndex: Sendable, Hashable {
    /// One packed matrix.
    struct Entry: Sendable, Hashable {
        /// ``TensorRows/key``.
        var key: String
        /// GGUF's number of the element type.
        var type: UInt32
        var rows: Int
        var columns: Int
        /// Where it begins in the file.
        var offset: Int
        var byteCount: Int
        /// Of its pieces, in order.
        var checksums: [UInt64]
    }

    /// Says which model's weights these are, in which state of its files.
    var identity: String
    /// Says how the kernels lay out matrices: ``PackedMatrix/layoutFingerprint``.
    var layout: UInt64
    var entries: [Entry]

    /// Where matrices may begin.
    static let alignment = 4096
    /// `ToriiWt1`.
    static let magic: UInt64 = 0x3174_5769_6972_6f54
    static let footerByteCount = 32
    /// Far more than a model's has, 8 bytes for each MiB of weights.
    static let maximumByteCount = 64 << 20

    /// What a file begins with: ``magic``, and zeros up to the first matrix.
    static var opening: [UInt8] {
        var bytes: [UInt8] = []
        append(magic, to: &bytes)
        return bytes + [UInt8](repeating: 0, count: alignment - bytes.count)
    }

    // MARK: Bytes

    /// The index, and the footer of a file in which it begins at `offset`.
    func serialized(at offset: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.append(identity, to: &bytes)
        Self.append(layout, to: &bytes)
        Self.append(UInt64(entries.count), to: &bytes)
        for entry in entries {
            Self.append(entry.key, to: &bytes)
            Self.append(UInt64(entry.type), to: &bytes)
            for number in [entry.rows, entry.columns, entry.offset, entry.byteCount] {
                Self.append(UInt64(number), to: &bytes)
            }
            Self.append(UInt64(entry.checksums.count), to: &bytes)
            for checksum in entry.checksums { Self.append(checksum, to: &bytes) }
        }
        let footer = [UInt64(offset), UInt64(bytes.count), Self.checksum(bytes), Self.magic]
        for number in footer { Self.append(number, to: &bytes) }
        return bytes
    }

    /// Where the index lies, by the last ``footerByteCount`` bytes of a file; nil if that is no footer.
    static func range(footer: [UInt8], fileByteCount: Int) -> (Range<Int>, checksum: UInt64)? {
        var rest = footer[...]
        guard let offset = number(&rest), let count = number(&rest),
            let checksum = integer(&rest), integer(&rest) == magic, rest.isEmpty,
            count <= maximumByteCount, offset >= alignment,
            offset == fileByteCount - footerByteCount - count
        else { return nil }
        return (offset..<offset + count, checksum)
    }

    /// Reads an index; nil if the bytes are none, or name places beyond `limit`.
    init?(_ bytes: [UInt8], checksum: UInt64, limit: Int) {
        guard Self.checksum(bytes) == checksum else { return nil }
        var rest = bytes[...]
        guard let identity = Self.string(&rest), let layout = Self.integer(&rest),
            let count = Self.number(&rest), count <= bytes.count
        else { return nil }
        self.identity = identity
        self.layout = layout
        entries = []
        for _ in 0..<count {
            guard let entry = Self.entry(&rest, limit: limit) else { return nil }
            entries.append(entry)
        }
        guard rest.isEmpty else { return nil }
    }

    init(identity: String, layout: UInt64, entries: [Entry] = []) {
        self.identity = identity
        self.layout = layout
        self.entries = entries
    }

    private static func entry(_ rest: inout ArraySlice<UInt8>, limit: Int) -> Entry? {
        guard let key = string(&rest), let type = number(&rest), let rows = number(&rest),
            let columns = number(&rest), let offset = number(&rest), let byteCount = number(&rest),
            let checksumCount = number(&rest), let type = UInt32(exactly: type),
            offset.isMultiple(of: alignment), byteCount <= limit, offset <= limit - byteCount,
            checksumCount == PieceChecksum.pieces(of: byteCount).count
        else { return nil }
        var checksums: [UInt64] = []
        for _ in 0..<checksumCount {
            guard let checksum = integer(&rest) else { return nil }
            checksums.append(checksum)
        }
        return Entry(
            key: key,
            type: type,
            rows: rows,
            columns: columns,
            offset: offset,
            byteCount: byteCount,
            checksums: checksums
        )
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt64 {
        // Safety: the array outlives the call, which only reads it.
        unsafe bytes.withUnsafeBytes { unsafe PieceChecksum.value(of: $0) }
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    private static func append(_ string: String, to bytes: inout [UInt8]) {
        append(UInt64(string.utf8.count), to: &bytes)
        bytes.append(contentsOf: string.utf8)
    }

    private static func integer(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        guard rest.count >= 8 else { return nil }
        let number = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(8)
        return number
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
        integer(&rest).flatMap { Int(exactly: $0) }
    }

    private static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard let count = number(&rest), count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return String(validating: rest.prefix(count), as: UTF8.self)
    }
}

extension TensorRows {
    /// Names the rows among all weights of a model.
    var key: String {
        let order = order.map { " heads \($0.headDimension) rotated \($0.rotatedCount)" } ?? ""
        return "\(tensor.name) rows \(range.lowerBound)..<\(range.upperBound)\(order)"
    }
}
