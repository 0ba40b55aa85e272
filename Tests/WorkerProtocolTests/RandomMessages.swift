import Grammars
import JSON
import Sampling
import TestSupport
import WorkerProtocol

/// Random messages of every kind, with awkward texts and extreme numbers.
struct RandomMessages {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func workerMessage(kind: Int) -> WorkerMessage {
        switch kind % 17 {
        case 0: .hello(protocolVersion: UInt32.random(in: 0...UInt32.max, using: &random))
        case 1: .loading(fraction: Double.random(in: 0...1, using: &random))
        case 2: .ready(facts())
        case 3: .loadFailed(message: text())
        case 4: .event(id: random.next(), event())
        case 5: .tokens(id: random.next(), tokens())
        case 6: .text(id: random.next(), text())
        case 7: .requestFailed(id: random.next(), failure())
        case 8: .memoryWanted(byteCount: count())
        case 9: .memoryReturned(byteCount: count())
        case 10: .footprint(footprint())
        case 11: .tokenCount(id: random.next(), count())
        case 12: .adapterSized(id: random.next(), byteCount: count())
        case 13: .adapterAttached(id: random.next(), adapterFacts())
        case 14: .pieces(id: random.next(), [Array(text().utf8), [], Array(text().utf8)])
        case 15: .weightsCached
        default: .heartbeat(status())
        }
    }

    mutating func gatewayMessage(kind: Int) -> GatewayMessage {
        switch kind % 16 {
        case 0: .load(options())
        case 1: .generate(request())
        case 2: .cancel(id: random.next())
        case 3:
            .tokenize(
                id: random.next(),
                text: text(),
                specialTokens: random.chance(0.5),
                addsBeginningToken: random.chance(0.5)
            )
        case 4: .detokenize(id: random.next(), tokens: tokens())
        case 5: .applyTemplate(id: random.next(), chat())
        case 6: .memoryGranted(byteCount: count())
        case 7: .memoryReserved
        case 8: .memoryNeeded
        case 9: .embed(embedding())
        case 10: .countTokens(id: random.next(), .chat(chat()))
        case 11: .attachAdapter(id: random.next(), adapterSource())
        case 12: .adapterReserved(id: random.next(), isGranted: random.chance(0.5))
        case 13: .detachAdapter(name: text())
        case 14: .pieces(id: random.next(), tokens: tokens())
        default: .stop
        }
    }

    mutating func text() -> String {
        let scalars: [String] = ["a", "Ä", "漢", "😀", "\u{0}", "\n", "\"", "\\", "e\u{301}", " "]
        return (0..<random.int(in: 0...12)).map { _ in scalars[random.int(in: 0...9)] }.joined()
    }

    mutating func tokens() -> [Int32] {
        (0..<random.int(in: 0...9)).map { _ in Int32(truncatingIfNeeded: random.next()) }
    }

    mutating func count() -> Int { Int(random.next() % (1 << 48)) >> random.int(in: 0...40) }

    mutating func optionalCount() -> Int? { random.chance(0.5) ? count() : nil }

    mutating func float() -> Float { Float.random(in: -100...100, using: &random) }

    mutating func bytes() -> [UInt8] {
        (0..<random.int(in: 0...5)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    mutating func adapterSource() -> AdapterSource {
        AdapterSource(
            name: text(),
            path: text(),
            fileNames: (0..<random.int(in: 0...3)).map { _ in text() },
            scale: Double(float())
        )
    }

    mutating func adapterFacts() -> AdapterFacts {
        AdapterFacts(
            name: text(),
            byteCount: count(),
            rank: count(),
            problem: random.chance(0.5) ? text() : nil
        )
    }

    mutating func facts() -> ModelFacts {
        ModelFacts(
            architecture: text(),
            name: text(),
            tasks: ModelTask.allCases.filter { _ in random.chance(0.5) },
            pooling: random.chance(0.5) ? text() : nil,
            parameterCount: count(),
            quantization: text(),
            contextLength: count(),
            trainedContextLength: count(),
            vocabularySize: count(),
            embeddingLength: count(),
            layerCount: count(),
            weightByteCount: count(),
            kvBytesPerToken: count(),
            kvCapacityTokens: count(),
            maximumSequenceCount: count(),
            threadCount: count(),
            instructionSet: text(),
            sandbox: text(),
            chatTemplate: random.chance(0.5) ? text() : nil,
            templateCapabilities: (0..<2).map { _ in text() },
            license: text(),
            beginningTokenText: random.chance(0.5) ? text() : nil,
            endTokenText: random.chance(0.5) ? text() : nil,
            adapters: (0..<random.int(in: 0...2)).map { _ in adapterFacts() }
        )
    }

    mutating func embedding() -> EmbeddingRequest {
        let work: EmbeddingRequest.Work =
            random.chance(0.5)
            ? .rerank(query: text(), documents: [text(), text()])
            : .embed([.text(text()), .tokens(tokens())], isList: random.chance(0.5))
        return EmbeddingRequest(
            id: random.next(),
            work: work,
            adapter: random.chance(0.5) ? text() : nil,
            account: account(),
            queueTimeout: random.chance(0.5) ? .milliseconds(random.int(in: 0...9)) : nil
        )
    }

    mutating func footprint() -> MemoryFootprint {
        MemoryFootprint(
            weightByteCount: count(),
            mappedByteCount: count(),
            scratchByteCount: count(),
            adapterByteCount: count(),
            keptKVByteCount: count(),
            maximumKVByteCount: count(),
            kvBytesPerToken: count(),
            contextLength: count()
        )
    }

    mutating func options() -> WorkerLoadOptions {
        WorkerLoadOptions(
            modelPath: text(),
            modelFileNames: (0..<2).map { _ in text() },
            modelDescriptors: tokens(),
            cachedWeights: optionalCount().map { Int32(clamping: $0) },
            cacheOutput: optionalCount().map { Int32(clamping: $0) },
            adapters: (0..<random.int(in: 0...2)).map { _ in adapterSource() },
            turnSeat: optionalCount(),
            contextLength: optionalCount(),
            threadCount: optionalCount(),
            kvByteCount: optionalCount(),
            memoryByteCount: optionalCount(),
            maximumSequenceCount: count(),
            queue: QueueLimits(
                requestCount: count(),
                requestCountPerKey: count(),
                tokenCount: count(),
                tokenCountPerKey: count()
            ),
            kvType: random.chance(0.5) ? .q8 : .f16,
            weightType: random.chance(0.5) ? .q6_K : nil,
            speculation: random.chance(0.5) ? .off : .automatic
        )
    }

    mutating func status() -> WorkerStatus {
        WorkerStatus(
            runningCount: count(),
            waitingCount: count(),
            waitingTokenCount: count(),
            kvBlocksInUse: count(),
            kvBlocksCached: count(),
            kvBlockCount: count(),
            promptTokenTotal: count(),
            outputTokenTotal: count(),
            stepTotal: count(),
            preemptionTotal: count(),
            cachedTokenTotal: count(),
            lookedUpTokenTotal: count(),
            draftTokenTotal: count(),
            acceptedDraftTokenTotal: count(),
            busyNanosecondTotal: count()
        )
    }

    mutating func event() -> GenerationEvent {
        switch random.int(in: 0...9) {
        case 9: .embedded(index: count(), (0..<random.int(in: 0...4)).map { _ in float() })
        case 6: .reasoning(text: text())
        case 7: .toolCall(index: count(), name: text())
        case 8: .toolArguments(index: count(), text: text())
        case 4: .accepted(admission())
        case 5: .queued(position: count())
        case 0: .started(promptTokenCount: count(), cachedTokenCount: count())
        case 1: .delta(text: text(), tokens: (0..<random.int(in: 0...3)).map { _ in logprob() })
        case 2:
            .finished(
                FinishReason.allCases[random.int(in: 0...3)],
                GenerationUsage(
                    promptTokenCount: count(),
                    cachedTokenCount: count(),
                    outputTokenCount: count(),
                    reasoningTokenCount: count(),
                    acceptedPredictionTokenCount: count(),
                    rejectedPredictionTokenCount: count(),
                    queueDuration: .nanoseconds(Int64(count())),
                    prefillDuration: .nanoseconds(Int64(count())),
                    decodeDuration: .nanoseconds(Int64(count()))
                )
            )
        default: .failed(failure())
        }
    }

    mutating func admission() -> AdmissionState {
        AdmissionState(
            requestLimit: count(),
            remainingRequestCount: count(),
            tokenLimit: count(),
            remainingTokenCount: count(),
            drainDuration: .nanoseconds(Int64(count()))
        )
    }

    mutating func logprob() -> TokenLogprob {
        TokenLogprob(
            token: Int32(truncatingIfNeeded: random.next()),
            bytes: bytes(),
            logprob: random.chance(0.2) ? nil : float(),
            top: (0..<random.int(in: 0...3)).map { _ in
                TokenAlternative(token: 7, bytes: bytes(), logprob: float())
            }
        )
    }

    mutating func failure() -> GenerationFailure {
        let kinds: [GenerationFailure.Kind] = [
            .contextLengthExceeded(promptTokenCount: count(), contextLength: count()),
            .invalidRequest(parameter: random.chance(0.5) ? text() : nil),
            .templateFailed, .overloaded(admission()), .nonFiniteLogits, .workerDied,
            .internalFailure, .queueTimeout(admission()),
            .textTooLong(parameter: text(), tokenCount: count(), contextLength: count()),
            .unknownAdapter, .unusableAdapter, .insufficientMemory,
        ]
        return GenerationFailure(
            kind: kinds[random.int(in: 0...kinds.count - 1)],
            message: text()
        )
    }

    mutating func request() -> GenerationRequest {
        let prompts: [Prompt] = [
            .chat(chat()), .text(text()), .tokens(tokens()),
            .gap(before: text(), after: text()),
        ]
        return GenerationRequest(
            id: random.next(),
            prompt: prompts[random.int(in: 0...3)],
            adapter: random.chance(0.5) ? text() : nil,
            prediction: random.chance(0.5) ? text() : nil,
            sampling: sampling(),
            maximumOutputTokens: optionalCount(),
            minimumOutputTokens: count(),
            stopStrings: (0..<random.int(in: 0...3)).map { _ in text() },
            ignoresEndOfGeneration: random.chance(0.5),
            topLogprobCount: optionalCount(),
            echo: random.chance(0.5),
            constraint: random.chance(0.5) ? constraint(depth: 0) : nil,
            account: account(),
            queueTimeout: random.chance(0.5) ? .nanoseconds(Int64(count())) : nil
        )
    }

    mutating func account() -> GenerationAccount {
        GenerationAccount(
            key: text(),
            user: text(),
            weight: Float.random(in: 0.1...10, using: &random),
            priority: PriorityClass.allCases[random.int(in: 0...2)],
            cacheNamespace: text()
        )
    }

    mutating func constraint(depth: Int) -> GrammarExpression {
        switch random.int(in: depth < 3 ? 0...8 : 4...8) {
        case 0: .sequence((0..<3).map { _ in constraint(depth: depth + 1) })
        case 1: .choice((0..<2).map { _ in constraint(depth: depth + 1) })
        case 2:
            .repetition(constraint(depth: depth + 1), minimum: count(), maximum: optionalCount())
        case 3: .triggered([(text(), constraint(depth: depth + 1))], repeats: random.chance(0.5))
        case 4: .regex(text(), path: text())
        case 5: .jsonSchema(["type": .string(text()), "enum": [1, nil, "a"]], path: text())
        case 6: .gbnf(text(), path: text())
        case 7: .controlToken(text())
        default: .literal(text())
        }
    }

    mutating func sampling() -> SamplingParameters {
        var bias: [Int32: Float] = [:]
        for _ in 0..<random.int(in: 0...4) { bias[Int32(truncatingIfNeeded: count())] = float() }
        return SamplingParameters(
            temperature: float(),
            topP: float(),
            topK: count(),
            minP: float(),
            typicalP: float(),
            xtc: XTCParameters(probability: float(), threshold: float()),
            repetitionPenalty: float(),
            presencePenalty: float(),
            frequencyPenalty: float(),
            penaltyWindow: count(),
            dry: DRYParameters(
                multiplier: float(),
                base: float(),
                allowedLength: count(),
                window: count(),
                sequenceBreakers: (0..<random.int(in: 0...3)).map { _ in text() }
            ),
            logitBias: bias,
            seed: random.chance(0.5) ? random.next() : nil
        )
    }

    mutating func chat() -> ChatPrompt {
        ChatPrompt(
            messages: .array([["role": .string(text()), "content": json(depth: 3)]]),
            tools: random.chance(0.5) ? json(depth: 2) : nil,
            addGenerationPrompt: random.chance(0.5),
            continuesFinalMessage: random.chance(0.5),
            templateArguments: ["enable_thinking": json(depth: 1)],
            toolChoice: [.automatic, .required, .named(text())][random.int(in: 0...2)],
            allowsParallelToolCalls: random.chance(0.5),
            reasoningBudget: optionalCount()
        )
    }

    mutating func json(depth: Int) -> JSONValue {
        switch random.int(in: 0...(depth > 0 ? 6 : 4)) {
        case 0: .null
        case 1: .bool(random.chance(0.5))
        case 2: .integer(Int(truncatingIfNeeded: random.next()))
        case 3: .double(Double.random(in: -1e9...1e9, using: &random))
        case 4: .string(text())
        case 5: .array((0..<random.int(in: 0...3)).map { _ in json(depth: depth - 1) })
        default: ["ключ": json(depth: depth - 1), "b": json(depth: depth - 1)]
        }
    }
}
