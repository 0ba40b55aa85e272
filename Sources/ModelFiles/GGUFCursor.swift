import Platform

/// Walks the describing part of a model file, which is read piece by piece as far as it turns out
/// to reach.
///
/// Confined to the parse.
///
/// Every step is checked against the bytes that are left in the file before anything is allocated
/// or read for it.
struct GGUFCursor {
    /// How many bytes the first read of a file takes; each further one at least doubles the buffer.
    private static let firstReadByteCount = 1 << 20

    let path: String
    let limits: GGUFLimits
    /// The file's length.
    let fileByteCount: UInt64
    /// Bytes consumed so far, from the start of the file.
    private(set) var position = 0
    /// The first bytes of the file, as far as they were needed.
    private(set) var bytes: [UInt8]
    private let file: OpenFile?

    /// Reads from an open file.
    init(file: OpenFile, limits: GGUFLimits) {
        path = file.file.path
        fileByteCount = UInt64(file.file.byteCount)
        bytes = []
        self.limits = limits
        self.file = file
    }

    /// Reads a file that lies in memory whole.
    init(bytes: [UInt8], path: String, limits: GGUFLimits) {
        self.path = path
        self.bytes = bytes
        fileByteCount = UInt64(bytes.count)
        file = nil
        self.limits = limits
    }

    /// Bytes left in the file.
    var remainingByteCount: UInt64 { fileByteCount - UInt64(position) }

    func error(_ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(path: path, problem: problem)
    }

    /// Makes sure that the next `count` bytes are in `bytes`.
    mutating func require(_ count: UInt64, field: @autoclosure () -> String) throws(GGUFError) {
        guard count <= remainingByteCount else {
            throw error(
                .truncated(field: field(), needed: count, available: remainingByteCount)
            )
        }
        let end = UInt64(position) + count
        if end > UInt64(bytes.count) {
            try readMore(upTo: end)
        }
    }

    private mutating func readMore(upTo end: UInt64) throws(GGUFError) {
        guard end <= limits.maximumHeaderByteCount else {
            throw error(
                .tooLarge(
                    field: "the length of metadata and tensor descriptions",
                    value: end,
                    maximum: limits.maximumHeaderByteCount
                )
            )
        }
        let wanted = min(
            max(end, UInt64(max(2 * bytes.count, Self.firstReadByteCount))),
            fileByteCount
        )
        let known = bytes.count
        var grown = bytes
        bytes = []
        grown.reserveCapacity(Int(wanted))
        grown.append(contentsOf: repeatElement(0, count: Int(wanted) - known))
        // Safety: the slice lies in the array that is borrowed for the call.
        let failure = unsafe grown.withUnsafeMutableBytes { all -> GGUFError? in
            unsafe file?.read(
                at: known,
                into: UnsafeMutableRawBufferPointer(rebasing: all[known...])
            )
        }
        if let failure { throw failure }
        bytes = grown
    }

    /// The next integer.
    mutating func integer<Value: FixedWidthInteger>(
        _ type: Value.Type = Value.self,
        field: @autoclosure () -> String
    ) throws(GGUFError) -> Value {
        try require(UInt64(MemoryLayout<Value>.size), field: field())
        let value = bytes.littleEndian(Value.self, at: position)
        position += MemoryLayout<Value>.size
        return value
    }

    /// Steps over `count` bytes and gives back where they lie.
    mutating func take(
        _ count: UInt64,
        field: @autoclosure () -> String
    ) throws(GGUFError) -> Range<Int> {
        try require(count, field: field())
        let range = position..<position + Int(count)
        position = range.upperBound
        return range
    }

    /// Bytes that were stepped over.
    func bytes(in range: Range<Int>) -> ArraySlice<UInt8> {
        bytes[range]
    }

    /// Steps over a length and as many bytes.
    mutating func string(
        maximumByteCount: UInt64,
        field: @autoclosure () -> String
    ) throws(GGUFError) -> Range<Int> {
        let count = try integer(UInt64.self, field: "the length of \(field())")
        guard count <= maximumByteCount else {
            // A length that doesn't even fit the file is the sign of a cut or damaged one.
            throw error(
                count > remainingByteCount
                    ? .truncated(field: field(), needed: count, available: remainingByteCount)
                    : .tooLarge(
                        field: "the length of \(field())",
                        value: count,
                        maximum: maximumByteCount
                    )
            )
        }
        return try take(count, field: field())
    }

    /// Steps over `count` strings of any length.
    mutating func skipStrings(_ count: UInt64, field: String) throws(GGUFError) {
        for _ in 0..<count {
            try require(8, field: "the length of a string in \(field)")
            let length = bytes.littleEndian(UInt64.self, at: position)
            position += 8
            try require(length, field: "a string in \(field)")
            position += Int(length)
        }
    }
}

extension [UInt8] {
    /// The little-endian integer that starts at `offset`; its bytes must lie in the array.
    func littleEndian<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
        precondition(
            offset >= 0 && offset <= count - MemoryLayout<Value>.size,
            "an integer must lie within the bytes that were read"
        )
        // Safety: the bounds are checked above; integers are loadable from any bytes.
        return unsafe withUnsafeBytes {
            unsafe Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
    }
}
