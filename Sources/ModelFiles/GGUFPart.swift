/// One file of a model: its metadata, its tensors and the open file.
///
/// A model is one part, or several if it is split.
struct GGUFPart {
    let metadata: GGUFMetadata
    let tensors: [GGUFTensor]
    /// nil if the part was parsed from memory.
    let file: OpenFile?

    /// Parses one open file.
    static func parse(
        _ file: OpenFile,
        index: Int,
        limits: GGUFLimits
    ) throws(GGUFError) -> GGUFPart {
        var cursor = GGUFCursor(file: file, limits: limits)
        return try parse(&cursor, file: file, index: index)
    }

    /// Parses one file that lies in memory.
    static func parse(
        _ bytes: [UInt8],
        path: String,
        limits: GGUFLimits
    ) throws(GGUFError) -> GGUFPart {
        var cursor = GGUFCursor(bytes: bytes, path: path, limits: limits)
        return try parse(&cursor, file: nil, index: 0)
    }

    private static func parse(
        _ cursor: inout GGUFCursor,
        file: OpenFile?,
        index: Int
    ) throws(GGUFError) -> GGUFPart {
        let header = try GGUFHeader.parse(&cursor)
        let (keys, entries) = try GGUFMetadataParser.parse(&cursor, keyCount: header.keyCount)
        let metadata = GGUFMetadata(
            path: cursor.path,
            keys: keys,
            entries: entries,
            bytes: cursor.bytes
        )
        let tensors = try GGUFTensorParser.parse(
            &cursor,
            count: header.tensorCount,
            alignment: try GGUFHeader.alignment(metadata),
            partIndex: index
        )
        return GGUFPart(metadata: metadata, tensors: tensors, file: file)
    }
}

/// The fixed first fields of a file.
struct GGUFHeader {
    /// The default of `general.alignment`.
    static let standardAlignment = 32

    var tensorCount: UInt64
    var keyCount: UInt64

    static func parse(_ cursor: inout GGUFCursor) throws(GGUFError) -> GGUFHeader {
        let available = min(4, cursor.remainingByteCount)
        let range = try cursor.take(available, field: "the magic number")
        let magic = Array(cursor.bytes(in: range))
        guard magic == Array("GGUF".utf8) else {
            throw cursor.error(.notGGUF(firstBytes: magic))
        }
        let version = try cursor.integer(UInt32.self, field: "the version")
        guard version == 2 || version == 3 else {
            throw cursor.error(
                version & 0xFFFF == 0 && version != 0
                    ? .byteSwapped : .unsupportedVersion(version)
            )
        }
        let tensorCount = try cursor.integer(UInt64.self, field: "the number of tensors")
        let keyCount = try cursor.integer(UInt64.self, field: "the number of metadata keys")
        // A tensor takes at least 24 bytes (length of the name, number of dimensions, type, offset),
        // a key at least 13 (length, one byte of name, type, no value).
        for (field, count, maximum, smallest) in [
            ("the number of tensors", tensorCount, cursor.limits.maximumTensorCount, 24 as UInt64),
            ("the number of metadata keys", keyCount, cursor.limits.maximumKeyCount, 13),
        ] {
            let possible = min(maximum, cursor.remainingByteCount / smallest)
            guard count <= possible else {
                throw cursor.error(.tooLarge(field: field, value: count, maximum: possible))
            }
        }
        return GGUFHeader(tensorCount: tensorCount, keyCount: keyCount)
    }

    /// `general.alignment`: a power of two in an unsigned 32-bit number.
    static func alignment(_ metadata: GGUFMetadata) throws(GGUFError) -> Int {
        let key = "general.alignment"
        guard let (type, _) = metadata.type(of: key) else { return standardAlignment }
        guard type == .uint32, let alignment = try metadata.integer(key) else {
            throw GGUFError(
                path: metadata.path,
                problem: .wrongValueType(key: key, expected: "a uint32", found: "\(type)")
            )
        }
        guard alignment > 0, alignment & (alignment - 1) == 0 else {
            throw GGUFError(
                path: metadata.path,
                problem: .invalidValue(key: key, reason: "is \(alignment), not a power of two")
            )
        }
        return alignment
    }
}

/// Parses the metadata section into places of values.
enum GGUFMetadataParser {
    static func parse(
        _ cursor: inout GGUFCursor,
        keyCount: UInt64
    ) throws(GGUFError) -> (keys: [String], entries: [String: GGUFMetadata.Entry]) {
        var keys: [String] = []
        var entries: [String: GGUFMetadata.Entry] = [:]
        for index in 0..<Int(keyCount) {
            let range = try cursor.string(
                maximumByteCount: cursor.limits.maximumKeyByteCount,
                field: "the name of metadata key number \(index)"
            )
            guard let key = String(validating: cursor.bytes(in: range), as: UTF8.self) else {
                throw cursor.error(.invalidKeyName(index: index, reason: "is not UTF-8"))
            }
            guard !key.isEmpty else {
                throw cursor.error(.invalidKeyName(index: index, reason: "has an empty name"))
            }
            guard entries[key] == nil else { throw cursor.error(.duplicateKey(key)) }
            entries[key] = try value(&cursor, key: key)
            keys.append(key)
        }
        return (keys, entries)
    }

    private static func value(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(GGUFError) -> GGUFMetadata.Entry {
        let type = try valueType(&cursor, key: key)
        switch type {
        case .array:
            return try array(&cursor, key: key)
        case .string:
            let range = try cursor.string(
                maximumByteCount: 1 << 30,
                field: "the value of \"\(key)\""
            )
            return GGUFMetadata.Entry(type: type, count: 1, range: range)
        default:
            let range = try cursor.take(
                UInt64(type.byteCount ?? 0),
                field: "the value of \"\(key)\""
            )
            if type == .bool { try checkBools(cursor, range, key: key) }
            return GGUFMetadata.Entry(type: type, count: 1, range: range)
        }
    }

    private static func array(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(GGUFError) -> GGUFMetadata.Entry {
        let type = try valueType(&cursor, key: key)
        guard type != .array else {
            throw cursor.error(.invalidValue(key: key, reason: "is an array of arrays"))
        }
        let field = "the array of \"\(key)\""
        let count = try cursor.integer(UInt64.self, field: "the length of \(field)")
        // A string takes at least the 8 bytes of its length.
        let width = UInt64(type.byteCount ?? 8)
        guard count <= cursor.remainingByteCount / width else {
            throw cursor.error(
                .tooLarge(
                    field: "the length of \(field)",
                    value: count,
                    maximum: cursor.remainingByteCount / width
                )
            )
        }
        let start = cursor.position
        if type == .string {
            try cursor.skipStrings(count, field: field)
        } else {
            let range = try cursor.take(count * width, field: field)
            if type == .bool { try checkBools(cursor, range, key: key) }
        }
        return GGUFMetadata.Entry(
            type: .array,
            elementType: type,
            count: Int(count),
            range: start..<cursor.position
        )
    }

    private static func valueType(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(GGUFError) -> GGUFValueType {
        let id = try cursor.integer(UInt32.self, field: "the type of \"\(key)\"")
        guard let type = GGUFValueType(rawValue: id) else {
            throw cursor.error(
                .invalidValue(key: key, reason: "has the unknown type number \(id)")
            )
        }
        return type
    }

    private static func checkBools(
        _ cursor: GGUFCursor,
        _ range: Range<Int>,
        key: String
    ) throws(GGUFError) {
        if let bad = cursor.bytes(in: range).first(where: { $0 > 1 }) {
            throw cursor.error(
                .invalidValue(key: key, reason: "holds the truth value \(bad), neither 0 nor 1")
            )
        }
    }
}
