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
