/// Appends fields in the serialized form that ``FramedMessage`` documents.
struct FieldWriter {
    var bytes: [UInt8]

    mutating func write(_ value: some FixedWidthInteger) {
        var rest = value
        for _ in 0..<(type(of: value).bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
    mutating func write(_ value: Float) { write(value.bitPattern) }
    mutating func write(_ value: Double) { write(value.bitPattern) }

    /// A number that is never negative.
    mutating func write(count value: Int) {
        write(UInt64(max(0, value)))
    }

    mutating func write(_ text: String) {
        write(UInt32(clamping: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write(_ value: [UInt8]) {
        write(UInt32(clamping: value.count))
        bytes.append(contentsOf: value)
    }

    mutating func write(strings: [String]) {
        write(UInt32(clamping: strings.count))
        for string in strings { write(string) }
    }

    mutating func write(_ tokens: [Int32]) {
        write(UInt32(clamping: tokens.count))
        bytes.reserveCapacity(bytes.count + 4 * tokens.count)
        for token in tokens { write(token) }
    }

    mutating func write(_ values: [some SerializableField]) {
        write(UInt32(clamping: values.count))
        for value in values { value.serialize(to: &self) }
    }

    mutating func write<Value>(
        optional value: Value?,
        _ body: (inout FieldWriter, Value) -> Void
    ) {
        write(value != nil)
        if let value { body(&self, value) }
    }
}

/// A value with a serialized form inside a frame.
protocol SerializableField {
    /// A lower bound of the form's size in bytes, at least 1; bounds the counts of arrays.
    static var minimumByteCount: Int { get }
    init(from reader: inout FieldReader) throws(WorkerProtocolError)
    func serialize(to writer: inout FieldWriter)
}

extension SerializableField {
    static var minimumByteCount: Int { 1 }
}
