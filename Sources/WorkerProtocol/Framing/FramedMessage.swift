/// A message that travels as one frame: ``GatewayMessage`` and ``WorkerMessage``.
///
/// A frame is a length (UInt32, little endian, without itself) and that many bytes: a tag byte
/// and the case's fields. Integers are little endian, texts UTF-8 with a UInt32 length, arrays
/// have a UInt32 count, optional values a byte 0 or 1, JSON is its own text.
package protocol FramedMessage: Sendable {
    /// Reads one frame's bytes without the length prefix.
    ///
    /// - Throws: `WorkerProtocolError` for anything but exactly one well-formed message; never
    ///   traps and never reserves more memory than the frame's own size warrants.
    init(parsing frame: [UInt8]) throws(WorkerProtocolError)

    /// Appends the frame's bytes without the length prefix.
    func serialize(into bytes: inout [UInt8])
}

extension GatewayMessage: FramedMessage {
    package init(parsing frame: [UInt8]) throws(WorkerProtocolError) {
        self = try FieldReader.whole(frame)
    }

    package func serialize(into bytes: inout [UInt8]) { FieldWriter.append(self, to: &bytes) }
}

extension WorkerMessage: FramedMessage {
    package init(parsing frame: [UInt8]) throws(WorkerProtocolError) {
        self = try FieldReader.whole(frame)
    }

    package func serialize(into bytes: inout [UInt8]) { FieldWriter.append(self, to: &bytes) }
}

extension FieldReader {
    /// Reads one value that fills the frame exactly.
    fileprivate static func whole<Value: SerializableField>(
        _ frame: [UInt8]
    ) throws(WorkerProtocolError) -> Value {
        var reader = FieldReader(frame)
        let value = try Value(from: &reader)
        try reader.finish()
        return value
    }
}

extension FieldWriter {
    /// Appends in place, without copying what `bytes` already holds.
    fileprivate static func append(_ value: some SerializableField, to bytes: inout [UInt8]) {
        var writer = FieldWriter(bytes: bytes)
        bytes = []
        value.serialize(to: &writer)
        bytes = writer.bytes
    }
}
