extension GatewayMessage: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1: self = .load(try WorkerLoadOptions(from: &reader))
        case 2: self = .generate(try GenerationRequest(from: &reader))
        case 3: self = .cancel(id: try reader.integer())
        case 4:
            self = .tokenize(
                id: try reader.integer(),
                text: try reader.string(),
                specialTokens: try reader.bool(),
                addsBeginningToken: try reader.bool()
            )
        case 5: self = .detokenize(id: try reader.integer(), tokens: try reader.tokens())
        case 6: self = .applyTemplate(id: try reader.integer(), try ChatPrompt(from: &reader))
        case 7: self = .stop
        case 8: self = .memoryGranted(byteCount: try reader.count())
        case 9: self = .memoryReserved
        case 10: self = .memoryNeeded
        case 11: self = .embed(try EmbeddingRequest(from: &reader))
        case 12: self = .countTokens(id: try reader.integer(), try Prompt(from: &reader))
        case 13:
            self = .attachAdapter(id: try reader.integer(), try AdapterSource(from: &reader))
        case 14:
            self = .adapterReserved(id: try reader.integer(), isGranted: try reader.bool())
        case 15: self = .detachAdapter(name: try reader.string())
        case 16: self = .pieces(id: try reader.integer(), tokens: try reader.tokens())
        case let tag: throw .unknownTag(type: "GatewayMessage", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .load(let options):
            writer.write(UInt8(1))
            options.serialize(to: &writer)
        case .generate(let request):
            writer.write(UInt8(2))
            request.serialize(to: &writer)
        case .cancel(let id):
            writer.write(UInt8(3))
            writer.write(id)
        case .tokenize(let id, let text, let specialTokens, let addsBeginningToken):
            writer.write(UInt8(4))
            writer.write(id)
            writer.write(text)
            writer.write(specialTokens)
            writer.write(addsBeginningToken)
        case .pieces(let id, let tokens):
            writer.write(UInt8(16))
            writer.write(id)
            writer.write(tokens)
        case .detokenize(let id, let tokens):
            writer.write(UInt8(5))
            writer.write(id)
            writer.write(tokens)
        case .applyTemplate(let id, let prompt):
            writer.write(UInt8(6))
            writer.write(id)
            prompt.serialize(to: &writer)
        case .stop: writer.write(UInt8(7))
        case .memoryGranted(let byteCount):
            writer.write(UInt8(8))
            writer.write(count: byteCount)
        case .memoryReserved: writer.write(UInt8(9))
        case .memoryNeeded: writer.write(UInt8(10))
        case .embed(let request):
            writer.write(UInt8(11))
            request.serialize(to: &writer)
        case .countTokens(let id, let prompt):
            writer.write(UInt8(12))
            writer.write(id)
            prompt.serialize(to: &writer)
        case .attachAdapter(let id, let source):
            writer.write(UInt8(13))
            writer.write(id)
            source.serialize(to: &writer)
        case .adapterReserved(let id, let isGranted):
            writer.write(UInt8(14))
            writer.write(id)
            writer.write(isGranted)
        case .detachAdapter(let name):
            writer.write(UInt8(15))
            writer.write(name)
        }
    }
}
