extension AdapterFacts: SerializableField {
    /// A text, two counts and a flag.
    static var minimumByteCount: Int { 21 }

    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            name: try reader.string(),
            byteCount: try reader.count(),
            rank: try reader.count(),
            problem: try reader.optionalString()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(name)
        writer.write(count: byteCount)
        writer.write(count: rank)
        writer.write(optionalString: problem)
    }
}
