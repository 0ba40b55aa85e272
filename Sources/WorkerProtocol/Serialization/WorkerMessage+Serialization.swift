extension WorkerMessage: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1: self = .hello(protocolVersion: try reader.integer())
        case 2:
            let fraction = try reader.double()
            guard (0...1).contains(fraction) else { throw .valueOutOfRange(field: "fraction") }
            self = .loading(fraction: fraction)
        case 3: self = .ready(try ModelFacts(from: &reader))
        case 4: self = .loadFailed(message: try reader.string())
        case 5: self = .event(id: try reader.integer(), try GenerationEvent(from: &reader))
        case 6: self = .tokens(id: try reader.integer(), try reader.tokens())
        case 7: self = .text(id: try reader.integer(), try reader.string())
        case 8:
            self = .requestFailed(
                id: try reader.integer(),
                try GenerationFailure(from: &reader)
            )
        case 9: self = .heartbeat(try WorkerStatus(from: &reader))
        case 10: self = .memoryWanted(byteCount: try reader.count())
        case 11: self = .memoryReturned(byteCount: try reader.count())
        case 12: self = .footprint(try MemoryFootprint(from: &reader))
        case 13: self = .tokenCount(id: try reader.integer(), try reader.count())
        case 14: self = .adapterSized(id: try reader.integer(), byteCount: try reader.count())
        case 15: self = .adapterAttached(id: try reader.integer(), try AdapterFacts(from: &reader))
        case 16:
            let id: UInt64 = try reader.integer()
            var pieces: [[UInt8]] = []
            for _ in 0..<(try reader.arrayCount(elementByteCount: 4)) {
                pieces.append(try reader.byteArray())
            }
            self = .pieces(id: id, pieces)
        case 17: self = .weightsCached
        case let tag: throw .unknownTag(type: "WorkerMessage", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .hello(let version):
            writer.write(UInt8(1))
            writer.write(version)
        case .loading(let fraction):
            writer.write(UInt8(2))
            writer.write(fraction)
        case .ready(let facts):
            writer.write(UInt8(3))
            facts.serialize(to: &writer)
        case .loadFailed(let message):
            writer.write(UInt8(4))
            writer.write(message)
        case .event(let id, let event):
            writer.write(UInt8(5))
            writer.write(id)
            event.serialize(to: &writer)
        case .tokens(let id, let tokens):
            writer.write(UInt8(6))
            writer.write(id)
            writer.write(tokens)
        case .pieces(let id, let pieces):
            writer.write(UInt8(16))
            writer.write(id)
            writer.write(UInt32(clamping: pieces.count))
            for piece in pieces { writer.write(piece) }
        case .text(let id, let text):
            writer.write(UInt8(7))
            writer.write(id)
            writer.write(text)
        case .requestFailed(let id, let failure):
            writer.write(UInt8(8))
            writer.write(id)
            failure.serialize(to: &writer)
        case .heartbeat(let status):
            writer.write(UInt8(9))
            status.serialize(to: &writer)
        case .memoryWanted(let byteCount):
            writer.write(UInt8(10))
            writer.write(count: byteCount)
        case .memoryReturned(let byteCount):
            writer.write(UInt8(11))
            writer.write(count: byteCount)
        case .weightsCached: writer.write(UInt8(17))
        case .footprint(let footprint):
            writer.write(UInt8(12))
            footprint.serialize(to: &writer)
        case .tokenCount(let id, let count):
            writer.write(UInt8(13))
            writer.write(id)
            writer.write(count: count)
        case .adapterSized(let id, let byteCount):
            writer.write(UInt8(14))
            writer.write(id)
            writer.write(count: byteCount)
        case .adapterAttached(let id, let facts):
            writer.write(UInt8(15))
            writer.write(id)
            facts.serialize(to: &writer)
        }
    }
}
