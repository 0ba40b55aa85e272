extension MemoryFootprint: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            weightByteCount: try reader.count(),
            mappedByteCount: try reader.count(),
            scratchByteCount: try reader.count(),
            adapterByteCount: try reader.count(),
            keptKVByteCount: try reader.count(),
            maximumKVByteCount: try reader.count(),
            kvBytesPerToken: try reader.count(),
            contextLength: try reader.count()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(count: weightByteCount)
        writer.write(count: mappedByteCount)
        writer.write(count: scratchByteCount)
        writer.write(count: adapterByteCount)
        writer.write(count: keptKVByteCount)
        writer.write(count: maximumKVByteCount)
        writer.write(count: kvBytesPerToken)
        writer.write(count: contextLength)
    }
}
