extension ModelFacts: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            architecture: try reader.string(),
            name: try reader.string(),
            tasks: try reader.array(),
            pooling: try reader.optionalString(),
            parameterCount: try reader.count(),
            quantization: try reader.string(),
            contextLength: try reader.count(),
            trainedContextLength: try reader.count(),
            vocabularySize: try reader.count(),
            embeddingLength: try reader.count(),
            layerCount: try reader.count(),
            weightByteCount: try reader.count(),
            kvBytesPerToken: try reader.count(),
            kvCapacityTokens: try reader.count(),
            maximumSequenceCount: try reader.count(),
            threadCount: try reader.count(),
            instructionSet: try reader.string(),
            sandbox: try reader.string(),
            chatTemplate: try reader.optionalString(),
            templateCapabilities: try reader.strings(),
            license: try reader.optionalString(),
            beginningTokenText: try reader.optionalString(),
            endTokenText: try reader.optionalString(),
            adapters: try reader.array()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(architecture)
        writer.write(name)
        writer.write(tasks)
        writer.write(optionalString: pooling)
        writer.write(count: parameterCount)
        writer.write(quantization)
        writer.write(count: contextLength)
        writer.write(count: trainedContextLength)
        writer.write(count: vocabularySize)
        writer.write(count: embeddingLength)
        writer.write(count: layerCount)
        writer.write(count: weightByteCount)
        writer.write(count: kvBytesPerToken)
        writer.write(count: kvCapacityTokens)
        writer.write(count: maximumSequenceCount)
        writer.write(count: threadCount)
        writer.write(instructionSet)
        writer.write(sandbox)
        writer.write(optionalString: chatTemplate)
        writer.write(strings: templateCapabilities)
        writer.write(optionalString: license)
        writer.write(optionalString: beginningTokenText)
        writer.write(optionalString: endTokenText)
        writer.write(adapters)
    }
}

extension ModelTask: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self = try reader.choice()
    }

    func serialize(to writer: inout FieldWriter) { writer.write(rawValue) }
}

extension WorkerLoadOptions: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            modelPath: try reader.string(),
            modelFileNames: try reader.strings(),
            modelDescriptors: try reader.tokens(),
            cachedWeights: try reader.optionalCount().map { Int32(clamping: $0) },
            cacheOutput: try reader.optionalCount().map { Int32(clamping: $0) },
            adapters: try reader.array(),
            turnSeat: try reader.optionalCount(),
            contextLength: try reader.optionalCount(),
            threadCount: try reader.optionalCount(),
            kvByteCount: try reader.optionalCount(),
            memoryByteCount: try reader.optionalCount(),
            maximumSequenceCount: try reader.count(),
            queue: try QueueLimits(from: &reader),
            kvType: try reader.choice(),
            weightType: try reader.optional { (reader) throws(WorkerProtocolError) in
                try reader.choice()
            },
            speculation: try reader.choice()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(modelPath)
        writer.write(strings: modelFileNames)
        writer.write(modelDescriptors)
        writer.write(optionalCount: cachedWeights.map { Int($0) })
        writer.write(optionalCount: cacheOutput.map { Int($0) })
        writer.write(adapters)
        writer.write(optionalCount: turnSeat)
        writer.write(optionalCount: contextLength)
        writer.write(optionalCount: threadCount)
        writer.write(optionalCount: kvByteCount)
        writer.write(optionalCount: memoryByteCount)
        writer.write(count: maximumSequenceCount)
        queue.serialize(to: &writer)
        writer.write(kvType.rawValue)
        writer.write(optional: weightType) { $0.write($1.rawValue) }
        writer.write(speculation.rawValue)
    }
}

extension QueueLimits: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            requestCount: try reader.count(),
            requestCountPerKey: try reader.count(),
            tokenCount: try reader.count(),
            tokenCountPerKey: try reader.count()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(count: requestCount)
        writer.write(count: requestCountPerKey)
        writer.write(count: tokenCount)
        writer.write(count: tokenCountPerKey)
    }
}

extension WorkerStatus: SerializableField {
    init(from reader: inout FieldReader) throws(WorkerProtocolError) {
        self.init(
            runningCount: try reader.count(),
            waitingCount: try reader.count(),
            waitingTokenCount: try reader.count(),
            kvBlocksInUse: try reader.count(),
            kvBlocksCached: try reader.count(),
            kvBlockCount: try reader.count(),
            promptTokenTotal: try reader.count(),
            outputTokenTotal: try reader.count(),
            stepTotal: try reader.count(),
            preemptionTotal: try reader.count(),
            cachedTokenTotal: try reader.count(),
            lookedUpTokenTotal: try reader.count(),
            draftTokenTotal: try reader.count(),
            acceptedDraftTokenTotal: try reader.count(),
            busyNanosecondTotal: try reader.count()
        )
    }

    func serialize(to writer: inout FieldWriter) {
        writer.write(count: runningCount)
        writer.write(count: waitingCount)
        writer.write(count: waitingTokenCount)
        writer.write(count: kvBlocksInUse)
        writer.write(count: kvBlocksCached)
        writer.write(count: kvBlockCount)
        writer.write(count: promptTokenTotal)
        writer.write(count: outputTokenTotal)
        writer.write(count: stepTotal)
        writer.write(count: preemptionTotal)
        writer.write(count: cachedTokenTotal)
        writer.write(count: lookedUpTokenTotal)
        writer.write(count: draftTokenTotal)
        writer.write(count: acceptedDraftTokenTotal)
        writer.write(count: busyNanosecondTotal)
    }
}
