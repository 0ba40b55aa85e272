import Grammars
import JSON
import Sampling

extension GenerationRequest: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            id: try reader.integer(),
            prompt: try Prompt(from: &reader),
            adapter: try reader.optionalString(),
            prediction: try reader.optionalString(),
            sampling: try SamplingParameters(from: &reader),
            maximumOutputTokens: try reader.optionalCount(),
            minimumOutputTokens: try reader.count(),
            stopStrings: try reader.array(of: String.self),
            ignoresEndOfGeneration: try reader.bool(),
            topLogprobCount: try reader.optionalCount(),
            echo: try reader.bool(),
            constraint: try reader.optional { (reader) throws(WorkerProtocolError) in
                try GrammarExpression(from: &reader)
            },
            account: try GenerationAccount(from: &reader),
            queueTimeout: try reader.optional { (reader) throws(WorkerProtocolError) in
                try reader.duration()
            }
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(id)
        prompt.serialize(to: &writer)
        writer.write(optionalString: adapter)
        writer.write(optionalString: prediction)
        sampling.serialize(to: &writer)
        writer.write(optionalCount: maximumOutputTokens)
        writer.write(count: minimumOutputTokens)
        writer.write(stopStrings)
        writer.write(ignoresEndOfGeneration)
        writer.write(optionalCount: topLogprobCount)
        writer.write(echo)
        writer.write(optional: constraint) { writer, constraint in
            constraint.serialize(to: &writer)
        }
        account.serialize(to: &writer)
        writer.write(optional: queueTimeout) { writer, timeout in writer.write(timeout) }
    }
}

/// A constraint travels as JSON, and is checked by whoever follows it.
extension GrammarExpression: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        guard let expression = GrammarExpression(json: try reader.nestedJSON()) else {
            throw .valueOutOfRange(field: "constraint")
        }
        self = expression
    }

    func serialize(to writer: inout FieldWriter) { writer.write(json: jsonValue) }
}

extension GenerationAccount: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        let key = try reader.string()
        let user = try reader.string()
        let weight = try reader.float()
        guard weight > 0, weight.isFinite else { throw .valueOutOfRange(field: "weight") }
        self.init(
            key: key,
            user: user,
            weight: weight,
            priority: try reader.choice(),
            cacheNamespace: try reader.string()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(key)
        writer.write(user)
        writer.write(weight)
        writer.write(priority.rawValue)
        writer.write(cacheNamespace)
    }
}

extension Prompt: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1: self = .chat(try ChatPrompt(from: &reader))
        case 2: self = .text(try reader.string())
        case 3: self = .tokens(try reader.tokens())
        case 4: self = .gap(before: try reader.string(), after: try reader.string())
        case let tag: throw .unknownTag(type: "Prompt", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .chat(let prompt):
            writer.write(UInt8(1))
            prompt.serialize(to: &writer)
        case .text(let text):
            writer.write(UInt8(2))
            writer.write(text)
        case .tokens(let tokens):
            writer.write(UInt8(3))
            writer.write(tokens)
        case .gap(let before, let after):
            writer.write(UInt8(4))
            writer.write(before)
            writer.write(after)
        }
    }
}

extension ChatPrompt: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            messages: try reader.json(),
            tools: try reader.optional { (reader) throws(WorkerProtocolError) in
                try reader.json()
            },
            addGenerationPrompt: try reader.bool(),
            continuesFinalMessage: try reader.bool(),
            templateArguments: try reader.jsonObject(),
            toolChoice: try ToolChoice(from: &reader),
            allowsParallelToolCalls: try reader.bool(),
            reasoningBudget: try reader.optionalCount()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(json: messages)
        writer.write(optional: tools) { writer, tools in writer.write(json: tools) }
        writer.write(addGenerationPrompt)
        writer.write(continuesFinalMessage)
        writer.write(json: .object(templateArguments))
        toolChoice.serialize(to: &writer)
        writer.write(allowsParallelToolCalls)
        writer.write(optionalCount: reasoningBudget)
    }
}

extension ToolChoice: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        switch try reader.tag() {
        case 1: self = .automatic
        case 2: self = .required
        case 3: self = .named(try reader.string())
        case let tag: throw .unknownTag(type: "ToolChoice", tag: tag)
        }
    }

    func serialize(to writer: inout FieldWriter) {
        switch self {
        case .automatic: writer.write(UInt8(1))
        case .required: writer.write(UInt8(2))
        case .named(let name):
            writer.write(UInt8(3))
            writer.write(name)
        }
    }
}

extension SamplingParameters: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            temperature: try reader.float(),
            topP: try reader.float(),
            topK: try reader.count(),
            minP: try reader.float(),
            typicalP: try reader.float(),
            xtc: XTCParameters(
                probability: try reader.float(),
                threshold: try reader.float()
            ),
            repetitionPenalty: try reader.float(),
            presencePenalty: try reader.float(),
            frequencyPenalty: try reader.float(),
            penaltyWindow: try reader.count(),
            dry: DRYParameters(
                multiplier: try reader.float(),
                base: try reader.float(),
                allowedLength: try reader.count(),
                window: try reader.count(),
                sequenceBreakers: try reader.array(of: String.self)
            ),
            logitBias: try reader.logitBias(),
            seed: try reader.optional { (reader) throws(WorkerProtocolError) in
                try reader.integer()
            }
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(temperature)
        writer.write(topP)
        writer.write(count: topK)
        writer.write(minP)
        writer.write(typicalP)
        writer.write(xtc.probability)
        writer.write(xtc.threshold)
        writer.write(repetitionPenalty)
        writer.write(presencePenalty)
        writer.write(frequencyPenalty)
        writer.write(count: penaltyWindow)
        writer.write(dry.multiplier)
        writer.write(dry.base)
        writer.write(count: dry.allowedLength)
        writer.write(count: dry.window)
        writer.write(dry.sequenceBreakers)
        writer.write(UInt32(clamping: logitBias.count))
        // In order of the ids, so that equal requests have equal bytes.
        for (token, bias) in logitBias.sorted(by: { $0.key < $1.key }) {
            writer.write(token)
            writer.write(bias)
        }
        writer.write(optional: seed) { writer, seed in writer.write(seed) }
    }
}

extension FieldReader {
    fileprivate mutating func logitBias() throws(WorkerProtocolError) -> [Int32: Float] {
        let count = try arrayCount(elementByteCount: 8)
        var bias: [Int32: Float] = [:]
        for _ in 0..<count {
            let token: Int32 = try integer()
            bias[token] = try float()
        }
        return bias
    }
}

extension String: SerializableField {
    static var minimumByteCount: Int { 4 }

    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self = try reader.string()
    }

    func serialize(to writer: inout FieldWriter) { writer.write(self) }
}

extension FieldReader {
    mutating func optionalCount() throws(WorkerProtocolError) -> Int? {
        try optional { (reader) throws(WorkerProtocolError) in try reader.count() }
    }

    mutating func optionalString() throws(WorkerProtocolError) -> String? {
        try optional { (reader) throws(WorkerProtocolError) in try reader.string() }
    }
}

extension FieldWriter {
    mutating func write(optionalCount value: Int?) {
        write(optional: value) { writer, value in writer.write(count: value) }
    }

    mutating func write(optionalString value: String?) {
        write(optional: value) { writer, value in writer.write(value) }
    }
}
