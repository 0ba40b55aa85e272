/// Reads fields of one frame that may be hostile: every count is bounded by the bytes left
/// before anything is reserved for it.
struct FieldReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The largest number a count field may hold: sums and products with small factors of what
    /// a worker claims must not overflow in the gateway.
    static let maximumCount: UInt64 = 1 << 48

    var remainingByteCount: Int { bytes.count - position }

    func finish() throws(WorkerProtocolError) {
        if remainingByteCount > 0 { throw .trailingBytes(count: remainingByteCount) }
    }

    mutating func integer<Value: FixedWidthInteger>(
        _ type: Value.Type = Value.self
    ) throws(WorkerProtocolError) -> Value {
        let byteCount = Value.bitWidth / 8
        guard remainingByteCount >= byteCount else { throw .truncated(field: "\(type)") }
        var value: UInt64 = 0
        for index in 0..<byteCount { value |= UInt64(bytes[position + index]) << (8 * index) }
        position += byteCount
        return Value(truncatingIfNeeded: value)
    }

    mutating func tag() throws(WorkerProtocolError) -> UInt8 { try integer() }

    /// One of an enumeration's values, by its number.
    mutating func choice<Choice: RawRepresentable<UInt8>>(
        of type: Choice.Type = Choice.self
    ) throws(WorkerProtocolError) -> Choice {
        let tag = try tag()
        guard let choice = Choice(rawValue: tag) else {
            throw .unknownTag(type: "\(type)", tag: tag)
        }
        return choice
    }

    mutating func bool() throws(WorkerProtocolError) -> Bool {
        switch try tag() {
        case 0: false
        case 1: true
        case let other: throw .unknownTag(type: "Bool", tag: other)
        }
    }

    mutating func float() throws(WorkerProtocolError) -> Float {
        Float(bitPattern: try integer())
    }

    mutating func double() throws(WorkerProtocolError) -> Double {
        Double(bitPattern: try integer())
    }

    /// A number that is never negative.
    mutating func count() throws(WorkerProtocolError) -> Int {
        let value: UInt64 = try integer()
        guard value <= Self.maximumCount else { throw .valueOutOfRange(field: "count") }
        return Int(value)
    }

    /// The count of an array whose elements have at least `elementByteCount` bytes each.
    mutating func arrayCount(elementByteCount: Int) throws(WorkerProtocolError) -> Int {
        let count: UInt32 = try integer()
        guard Int(count) <= remainingByteCount / elementByteCount else {
            throw .countTooLarge(
                count: UInt64(count),
                remainingByteCount: remainingByteCount
            )
        }
        return Int(count)
    }

    mutating func byteArray() throws(WorkerProtocolError) -> [UInt8] {
        let count = try arrayCount(elementByteCount: 1)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func string() throws(WorkerProtocolError) -> String {
        guard let text = String(validating: try byteArray(), as: UTF8.self) else {
            throw .invalidUTF8
        }
        return text
    }

    mutating func strings() throws(WorkerProtocolError) -> [String] {
        let count = try arrayCount(elementByteCount: 4)
        var strings: [String] = []
        for _ in 0..<count { strings.append(try string()) }
        return strings
    }

    mutating func tokens() throws(WorkerProtocolError) -> [Int32] {
        let count = try arrayCount(elementByteCount: 4)
        var tokens: [Int32] = []
        tokens.reserveCapacity(count)
        for _ in 0..<count { tokens.append(try integer()) }
        return tokens
    }

    mutating func array<Value: SerializableField>(
        of type: Value.Type = Value.self
    ) throws(WorkerProtocolError) -> [Value] {
        let count = try arrayCount(elementByteCount: Value.minimumByteCount)
        var values: [Value] = []
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    mutating func optional<Value>(
        _ body: (inout FieldReader) throws(WorkerProtocolError) -> Value
    ) throws(WorkerProtocolError) -> Value? {
        try bool() ? try body(&self) : nil
    }
}
