extension EmbeddingRequest: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            id: try reader.integer(),
            work: try Work(from: &reader),
            adapter: try reader.optionalString(),
            account: try GenerationAccount(from: &reader),
            queueTimeout: try reader.optional { (reader) throws(WorkerProtocolError) in
                try reader.duration()
            }
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(id)
        work.serialize(to: &writer)
        writer.write(optionalString: adapter)
        account.serialize(to: &writer)
        writer.write(optional: queueTimeout) { writer, timeout in writer.write(timeout) }
    }
}

extension EmbeddingRequest.Work: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1: self = .embed(try reader.array(), isList: try reader.bool())
        case 2: self = .rerank(query: try reader.string(), documents: try reader.array())
        case let tag: throw .unknownTag(type: "EmbeddingRequest.Work", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .embed(let inputs, let isList):
            writer.write(UInt8(1))
            writer.write(inputs)
            writer.write(isList)
        case .rerank(let query, let documents):
            writer.write(UInt8(2))
            writer.write(query)
            writer.write(documents)
        }
    }
}

extension EmbeddingRequest.Input: SerializableField {
    /// A tag and a count.
    static var minimumByteCount: Int { 5 }

    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1: self = .text(try reader.string())
        case 2: self = .tokens(try reader.tokens())
        case let tag: throw .unknownTag(type: "EmbeddingRequest.Input", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .text(let text):
            writer.write(UInt8(1))
            writer.write(text)
        case .tokens(let tokens):
            writer.write(UInt8(2))
            writer.write(tokens)
        }
    }
}

extension FieldReader {
    /// The components of a vector, all finite, so that the gateway can print them.
    mutating func vector() throws(WorkerProtocolError) -> [Float] {
        let count = try arrayCount(elementByteCount: 4)
        var values: [Float] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let value = try float()
            guard value.isFinite else { throw .valueOutOfRange(field: "vector") }
            values.append(value)
        }
        return values
    }
}

extension FieldWriter {
    mutating func write(vector values: [Float]) {
        write(UInt32(clamping: values.count))
        bytes.reserveCapacity(bytes.count + 4 * values.count)
        for value in values { write(value) }
    }
}
