import Platform
import Scheduling
import TestSupport
import Testing
import Transformers
import WorkerProtocol

@testable import Inference

@Suite(.timeLimit(.minutes(15))) struct EmbeddingEngineTests {
    private static let vocabularySize = TinyVocabulary.tokens.count

    private static func harness(
        _ pooling: Pooling,
        isEncoder: Bool = true,
        task: ModelTask = .embed,
        contextLength: Int = 512,
        blockCount: Int = 160,
        limits: SchedulerLimits = SchedulerLimits(runningCount: 128),
        pass: FakePass? = nil
    ) throws -> EngineHarness {
        let pass = pass ?? FakePass.hashing(vocabularySize: vocabularySize)
        return EngineHarness(
            pass: pass,
            tokenizer: try TinyTokenizer.make(),
            configuration: EngineConfiguration(
                contextLength: contextLength,
                blockCount: blockCount,
                embedding: EmbeddingConfiguration(
                    task: task,
                    pooling: pooling,
                    isEncoder: isEncoder,
                    embeddingLength: pass.hiddenLength
                ),
                scheduler: limits
            )
        )
    }

    private static func texts(_ count: Int, seed: UInt64) -> [[Int32]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<random.int(in: 1...70)).map { _ in
                Int32(random.int(in: 0...vocabularySize - 1))
            }
        }
    }

    /// A text's vector by the definition.
    private static func expected(_ text: [Int32], _ pooling: Pooling) -> [Float] {
        let pass = FakePass.hashing(vocabularySize: vocabularySize)
        let positions: [Int]
        switch pooling {
        case .mean: positions = Array(text.indices)
        case .cls: positions = [0]
        case .last, .rank: positions = [text.count - 1]
        }
        let states = positions.map { Array(pass.logits(after: Array(text[...$0])).prefix(8)) }
        let sum = states.dropFirst().reduce(states[0]) { zip($0, $1).map { $0.0 + $0.1 } }
        let scale = 1 / Float(states.count)
        let mean = states.count > 1 ? sum.map { $0 * scale } : sum
        let length = mean.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return mean.map { Float(Double($0) * (1 / length)) }
    }

    @Test(arguments: [Pooling.mean, .cls, .last], [true, false])
    func `a text's vector depends on nothing beside it, bit for bit`(
        _ pooling: Pooling,
        isEncoder: Bool
    ) throws {
        let texts = Self.texts(40, seed: 5)
        let harness = try Self.harness(pooling, isEncoder: isEncoder)
        harness.submit(texts, id: 1)
        harness.submit(Self.texts(30, seed: 6), id: 2, account: GenerationAccount(key: "other"))
        harness.run()
        let vectors = harness.vectors(1)
        #expect(vectors.count == 40 && harness.vectors(2).count == 30)
        for (index, text) in texts.enumerated() {
            #expect(vectors[index] == Self.expected(text, pooling))
        }
        let usage = try #require(harness.finish(1)).usage
        #expect(usage.promptTokenCount == texts.reduce(0) { $0 + $1.count })
        #expect(usage.outputTokenCount == 0)
        #expect(harness.engine.isIdle)
    }

    @Test(arguments: [Pooling.mean, .cls, .last])
    func `a decoder's texts that begin alike are pooled whole, also in too few blocks`(
        _ pooling: Pooling
    ) throws {
        let beginning = (0..<96).map { Int32($0 % 7) }
        let texts = Self.texts(12, seed: 8).map { beginning + $0 }
        let harness = try Self.harness(pooling, isEncoder: false, blockCount: 17)
        harness.submit(texts, id: 1)
        harness.submit(texts.reversed(), id: 2, account: GenerationAccount(key: "other"))
        harness.run()
        for (index, text) in texts.enumerated() {
            #expect(harness.vectors(1)[index] == Self.expected(text, pooling))
            #expect(harness.vectors(2)[11 - index] == Self.expected(text, pooling))
        }
        #expect(harness.engine.isIdle)
    }

    @Test
    func `an encoder's text that fits is computed in one step, and its blocks are free afterwards`()
        throws
    {
        let harness = try Self.harness(.mean)
        harness.submit(Self.texts(1, seed: 1) + [Array(repeating: 3, count: 512)], id: 1)
        while harness.step() {
            #expect(harness.engine.scheduler.cachedBlockCount == 0)
        }
        #expect(harness.vectors(1).count == 2)
        #expect(harness.engine.status.kvBlocksInUse == 0)
        #expect((harness.pass as? FakePass)?.largestBatch == 512)
    }

    @Test(arguments: [Pooling.mean, .cls, .last])
    func `a text that is too long for a step is computed in parts, others in between`(
        _ pooling: Pooling
    ) throws {
        let harness = try Self.harness(
            pooling,
            contextLength: 1500,
            blockCount: 300,
            limits: SchedulerLimits(layerCount: 3, runningCount: 128)
        )
        let long = (0..<1100).map { Int32($0 % 11) }
        harness.submit([long], id: 1)
        harness.step()
        let short = Self.texts(10, seed: 4)
        harness.submit(short, id: 2)
        while harness.finish(2) == nil { #expect(harness.step()) }
        #expect(harness.finish(1) == nil)
        harness.run()
        #expect(harness.vectors(1)[0] == Self.expected(long, pooling))
        for (index, text) in short.enumerated() {
            #expect(harness.vectors(2)[index] == Self.expected(text, pooling))
        }
        #expect(harness.finish(1)?.usage.promptTokenCount == 1100)
        #expect(harness.engine.status.promptTokenTotal == 1100 + short.joined().count)
        #expect(harness.engine.isIdle && harness.engine.status.kvBlocksInUse == 0)
        #expect((harness.pass as? FakePass)?.partCount ?? 0 > 2)
    }

    @Test func `a text that is computed in parts is cancelled after a step`() throws {
        let harness = try Self.harness(
            .mean,
            contextLength: 1500,
            blockCount: 300,
            limits: SchedulerLimits(layerCount: 3, runningCount: 128)
        )
        harness.submit([Array(repeating: 1, count: 1100)], id: 1)
        harness.step()
        harness.cancel(1)
        #expect(harness.finish(1)?.reason == .cancelled)
        #expect(harness.engine.isIdle && harness.engine.status.kvBlocksInUse == 0)
    }

    @Test func `events come in order, and a long request does not crowd the scheduler`() throws {
        let harness = try Self.harness(.mean)
        harness.submit(Self.texts(700, seed: 9), id: 4)
        #expect(harness.engine.status.waitingCount <= 128)
        harness.run()
        let events = try #require(harness.events[4])
        guard case .accepted = events[0], case .started(let count, 0) = events[1] else {
            Issue.record("began with \(events.prefix(2))")
            return
        }
        #expect(count == harness.finish(4)?.usage.promptTokenCount)
        #expect(events.count == 703)
        #expect(Set(harness.vectors(4).keys) == Set(0..<700))
        #expect(harness.engine.status.waitingTokenCount == 0)
    }

    @Test func `many requests share the steps by key`() throws {
        let harness = try Self.harness(.mean)
        harness.submit(Self.texts(300, seed: 1), id: 1, account: GenerationAccount(key: "a"))
        harness.submit(Self.texts(10, seed: 2), id: 2, account: GenerationAccount(key: "b"))
        while harness.finish(2) == nil { #expect(harness.step()) }
        // The short request did not wait for the long one, which was there first.
        #expect(harness.vectors(1).count < 150)
        harness.run()
        #expect(harness.vectors(1).count == 300)
    }

    @Test func `a cancelled embedding leaves nothing behind`() throws {
        let harness = try Self.harness(.mean)
        harness.submit(Self.texts(200, seed: 1), id: 1)
        harness.step()
        harness.cancel(1)
        #expect(harness.finish(1)?.reason == .cancelled)
        #expect(harness.engine.isIdle && harness.engine.status.kvBlocksInUse == 0)
        #expect(harness.engine.status.waitingTokenCount == 0)
        harness.submit([[1, 2]], id: 1)
        harness.run()
        #expect(harness.finish(1)?.reason == .stop)
    }

    @Test func `a request counts once in the queue, and too many are refused`() throws {
        let limits = SchedulerLimits(
            runningCount: 128,
            queue: QueueLimits(requestCount: 3, requestCountPerKey: 2)
        )
        let harness = try Self.harness(.mean, limits: limits)
        let account = GenerationAccount(key: "a")
        harness.submit(Self.texts(50, seed: 1), id: 1, account: account)
        harness.submit(Self.texts(50, seed: 2), id: 2, account: account)
        harness.submit(Self.texts(1, seed: 3), id: 3, account: account)
        guard case .overloaded(let state)? = harness.failure(3) else {
            Issue.record("the third request got \(String(describing: harness.events[3]))")
            return
        }
        #expect(state.requestLimit == 2 && state.remainingRequestCount == 0)
        harness.run()
        harness.submit(Self.texts(1, seed: 3), id: 4, account: account)
        harness.run()
        #expect(harness.finish(4)?.reason == .stop)
    }

    @Test func `a request that waits too long for its first text fails as a whole`() throws {
        let limits = SchedulerLimits(runningCount: 1)
        let harness = try Self.harness(.mean, limits: limits)
        harness.submit([Array(repeating: 1, count: 400)], id: 1)
        harness.submit(Self.texts(5, seed: 2), id: 2, queueTimeout: .milliseconds(1))
        harness.submit(Self.texts(5, seed: 3), id: 3, queueTimeout: .seconds(3600))
        harness.advance(by: 10)
        harness.run()
        guard case .queueTimeout? = harness.failure(2) else {
            Issue.record("the second request got \(String(describing: harness.events[2]))")
            return
        }
        #expect(harness.vectors(2).isEmpty)
        #expect(harness.finish(1) != nil && harness.finish(3) != nil && harness.engine.isIdle)
    }

    @Test func `texts that cannot be read are refused, naming the first`() throws {
        let harness = try Self.harness(.mean)
        harness.submit([[1], Array(repeating: 1, count: 513)], id: 1)
        #expect(
            harness.failure(1)
                == .textTooLong(parameter: "input[1]", tokenCount: 513, contextLength: 512)
        )
        harness.submit([[1], []], id: 2)
        #expect(harness.failure(2) == .invalidRequest(parameter: "input[1]"))
        harness.submit([[1], [2], [Int32(Self.vocabularySize)]], id: 3)
        #expect(harness.failure(3) == .invalidRequest(parameter: "input[2]"))
        #expect(harness.engine.isIdle)
    }

    @Test func `a model is asked only for what it can do`() throws {
        let embedder = try Self.harness(.mean)
        embedder.submit(GenerationRequest(id: 1, prompt: .tokens([1])), prompt: [1])
        #expect(embedder.failure(1) == .invalidRequest(parameter: "model"))
        let reranker = try Self.harness(.rank, task: .rerank)
        reranker.submit([[1]], id: 1)
        #expect(reranker.failure(1) == .invalidRequest(parameter: "model"))
        let pass = FakePass.hashing(vocabularySize: Self.vocabularySize)
        let generator = EngineHarness(pass: pass, tokenizer: try TinyTokenizer.make())
        generator.submit([[1]], id: 1)
        #expect(generator.failure(1) == .invalidRequest(parameter: "model"))
    }

    @Test func `a value that is no number fails the request, and only that`() throws {
        let pass = FakePass(vocabularySize: Self.vocabularySize) { tokens in
            let value: Float = tokens.contains(7) ? .nan : 1
            return Array(repeating: value, count: Self.vocabularySize)
        }
        let harness = try Self.harness(.mean, pass: pass)
        harness.submit([[1, 2], [7, 1], [3]], id: 1)
        harness.submit([[4]], id: 2)
        harness.run()
        #expect(harness.failure(1) == .nonFiniteLogits)
        #expect(harness.finish(2)?.reason == .stop && harness.engine.isIdle)
    }

    @Test func `scores are between 0 and 1`() throws {
        let pass = FakePass(vocabularySize: Self.vocabularySize) { tokens in
            Array(repeating: tokens.last == 1 ? 2 : -2, count: Self.vocabularySize)
        }
        let harness = try Self.harness(.rank, isEncoder: false, task: .rerank, pass: pass)
        let request = EmbeddingRequest(id: 1, work: .rerank(query: "q", documents: ["a", "b"]))
        harness.submit(Embedding(request: request, texts: [[5, 1], [5, 2]]))
        harness.run()
        let scores = harness.vectors(1)
        #expect(scores[0] == [0.88079707] && scores[1] == [0.11920292])
    }
}
