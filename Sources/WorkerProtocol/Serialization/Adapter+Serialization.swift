extension AdapterSource: SerializableField {
    /// Two texts, an array and a number.
    static var minimumByteCount: Int { 20 }

    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            name: try reader.string(),
            path: try reader.string(),
            fileNames: try reader.strings(),
            scale: try reader.double()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(name)
        writer.write(path)
        writer.write(strings: fileNames)
        writer.write(scale)
    }
}

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
