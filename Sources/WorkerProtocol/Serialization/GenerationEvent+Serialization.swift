extension GenerationEvent: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1:
            self = .started(
                promptTokenCount: try reader.count(),
                cachedTokenCount: try reader.count()
            )
        case 2: self = .delta(text: try reader.string(), tokens: try reader.array())
        case 3:
            self = .finished(try reader.choice(), try GenerationUsage(from: &reader))
        case 4: self = .failed(try GenerationFailure(from: &reader))
        case 5: self = .accepted(try AdmissionState(from: &reader))
        case 6: self = .queued(position: try reader.count())
        case 7: self = .reasoning(text: try reader.string())
        case 8: self = .toolCall(index: try reader.count(), name: try reader.string())
        case 9: self = .toolArguments(index: try reader.count(), text: try reader.string())
        case 10: self = .embedded(index: try reader.count(), try reader.vector())
        case let tag: throw .unknownTag(type: "GenerationEvent", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .started(let promptTokenCount, let cachedTokenCount):
            writer.write(UInt8(1))
            writer.write(count: promptTokenCount)
            writer.write(count: cachedTokenCount)
        case .delta(let text, let tokens):
            writer.write(UInt8(2))
            writer.write(text)
            writer.write(tokens)
        case .finished(let reason, let usage):
            writer.write(UInt8(3))
            writer.write(reason.rawValue)
            usage.serialize(to: &writer)
        case .failed(let failure):
            writer.write(UInt8(4))
            failure.serialize(to: &writer)
        case .accepted(let state):
            writer.write(UInt8(5))
            state.serialize(to: &writer)
        case .queued(let position):
            writer.write(UInt8(6))
            writer.write(count: position)
        case .reasoning(let text):
            writer.write(UInt8(7))
            writer.write(text)
        case .toolCall(let index, let name):
            writer.write(UInt8(8))
            writer.write(count: index)
            writer.write(name)
        case .toolArguments(let index, let text):
            writer.write(UInt8(9))
            writer.write(count: index)
            writer.write(text)
        case .embedded(let index, let values):
            writer.write(UInt8(10))
            writer.write(count: index)
            writer.write(vector: values)
        }
    }
}

extension AdmissionState: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            requestLimit: try reader.count(),
            remainingRequestCount: try reader.count(),
            tokenLimit: try reader.count(),
            remainingTokenCount: try reader.count(),
            drainDuration: try reader.duration()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(count: requestLimit)
        writer.write(count: remainingRequestCount)
        writer.write(count: tokenLimit)
        writer.write(count: remainingTokenCount)
        writer.write(drainDuration)
    }
}

extension TokenLogprob: SerializableField {
    /// Id, two lengths and a flag.
    static var minimumByteCount: Int { 13 }

    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            token: try reader.integer(),
            bytes: try reader.byteArray(),
            logprob: try reader.optional { (reader) throws(WorkerProtocolError) in
                try reader.logprob()
            },
            top: try reader.array()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(token)
        writer.write(bytes)
        writer.write(optional: logprob) { writer, logprob in writer.write(logprob) }
        writer.write(top)
    }
}

extension TokenAlternative: SerializableField {
    /// Id, length and log-probability.
    static var minimumByteCount: Int { 12 }

    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            token: try reader.integer(),
            bytes: try reader.byteArray(),
            logprob: try reader.logprob()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(token)
        writer.write(bytes)
        writer.write(logprob)
    }
}

extension GenerationUsage: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            promptTokenCount: try reader.count(),
            cachedTokenCount: try reader.count(),
            outputTokenCount: try reader.count(),
            reasoningTokenCount: try reader.count(),
            acceptedPredictionTokenCount: try reader.count(),
            rejectedPredictionTokenCount: try reader.count(),
            queueDuration: try reader.duration(),
            prefillDuration: try reader.duration(),
            decodeDuration: try reader.duration()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(count: promptTokenCount)
        writer.write(count: cachedTokenCount)
        writer.write(count: outputTokenCount)
        writer.write(count: reasoningTokenCount)
        writer.write(count: acceptedPredictionTokenCount)
        writer.write(count: rejectedPredictionTokenCount)
        writer.write(queueDuration)
        writer.write(prefillDuration)
        writer.write(decodeDuration)
    }
}

extension GenerationFailure: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        let kind: Kind
        switch try reader.tag() {
        case 1:
            kind = .contextLengthExceeded(
                promptTokenCount: try reader.count(),
                contextLength: try reader.count()
            )
        case 2: kind = .invalidRequest(parameter: try reader.optionalString())
        case 3: kind = .templateFailed
        case 4: kind = .overloaded(try AdmissionState(from: &reader))
        case 5: kind = .nonFiniteLogits
        case 6: kind = .workerDied
        case 7: kind = .internalFailure
        case 8: kind = .queueTimeout(try AdmissionState(from: &reader))
        case 9:
            kind = .textTooLong(
                parameter: try reader.string(),
                tokenCount: try reader.count(),
                contextLength: try reader.count()
            )
        case 10: kind = .unknownAdapter
        case 11: kind = .unusableAdapter
        case 12: kind = .insufficientMemory
        case let tag: throw .unknownTag(type: "GenerationFailure", tag: tag)
        }
        self.init(kind: kind, message: try reader.string())
    }

    func serialize(to writer: inout FieldWriter) {
        switch kind {
        case .contextLengthExceeded(let promptTokenCount, let contextLength):
            writer.write(UInt8(1))
            writer.write(count: promptTokenCount)
            writer.write(count: contextLength)
        case .invalidRequest(let parameter):
            writer.write(UInt8(2))
            writer.write(optionalString: parameter)
        case .templateFailed: writer.write(UInt8(3))
        case .overloaded(let state):
            writer.write(UInt8(4))
            state.serialize(to: &writer)
        case .nonFiniteLogits: writer.write(UInt8(5))
        case .workerDied: writer.write(UInt8(6))
        case .internalFailure: writer.write(UInt8(7))
        case .unknownAdapter: writer.write(UInt8(10))
        case .unusableAdapter: writer.write(UInt8(11))
        case .insufficientMemory: writer.write(UInt8(12))
        case .queueTimeout(let state):
            writer.write(UInt8(8))
            state.serialize(to: &writer)
        case .textTooLong(let parameter, let tokenCount, let contextLength):
            writer.write(UInt8(9))
            writer.write(parameter)
            writer.write(count: tokenCount)
            writer.write(count: contextLength)
        }
        writer.write(message)
    }
}
