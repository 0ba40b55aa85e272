import JSON
import TestSupport
import Testing
import WorkerProtocol

@testable import Worker

/// A worker of a model that makes vectors or scores, as the gateway sees it.
@Suite(.timeLimit(.minutes(15))) struct EmbeddingTests {
    private struct Loaded {
        let directory: TemporaryDirectory
        let worker: WorkerConversation
        let facts: ModelFacts

        init(
            _ writer: GGUFWriter,
            _ change: (inout WorkerLoadOptions) -> Void = { _ in }
        ) throws {
            directory = try TemporaryDirectory()
            let path = directory.file("model.gguf")
            try writer.write(to: path)
            (worker, facts) = try WorkerConversation.loaded(path, change)
        }

        func events(_ id: UInt64, _ work: EmbeddingRequest.Work) throws -> [GenerationEvent] {
            try worker.send(.embed(EmbeddingRequest(id: id, work: work)))
            return try worker.events(id)
        }

        /// The vectors or scores, by text.
        func values(_ id: UInt64, _ work: EmbeddingRequest.Work) throws -> [Int: [Float]] {
            try events(id, work).reduce(into: [:]) { values, event in
                if case .embedded(let index, let vector) = event { values[index] = vector }
            }
        }
    }

    /// A decoder that was trained to collect a text in its last token.
    private static var decoder: GGUFWriter {
        var writer = TinyModel().writer()
        writer.set("llama.pooling_type", .uint32(3))
        return writer
    }

    @Test func `an encoder makes vectors of length 1 that depend on their own text alone`() throws {
        let loaded = try Loaded(TinyEncoder().writer())
        #expect(loaded.facts.architecture == "bert" && loaded.facts.tasks == [.embed])
        #expect(loaded.facts.pooling == "mean" && loaded.facts.embeddingLength == 96)
        #expect(loaded.facts.contextLength == 600)
        let texts = ["one", "and another one", String(repeating: "long ", count: 60)]
        let many = texts + (0..<200).map { "number \($0)" }
        let vectors = try loaded.values(1, .embed(many.map { .text($0) }))
        #expect(vectors.count == 203)
        for (index, text) in texts.enumerated() {
            let alone = try loaded.values(UInt64(10 + index), .embed([.text(text)]))
            #expect(alone[0] == vectors[index])
            let square = (alone[0] ?? []).reduce(0) { $0 + $1 * $1 }
            #expect(abs(square - 1) < 1e-5)
        }
        #expect(vectors[0] != vectors[1])
        #expect(loaded.worker.end() == 0)
    }

    @Test func `a text's own tokens give its vector too`() throws {
        let loaded = try Loaded(TinyEncoder().writer())
        try loaded.worker.send(
            .tokenize(id: 1, text: "hello", specialTokens: false, addsBeginningToken: false)
        )
        guard case .tokens(1, let tokens)? = try loaded.worker.next() else {
            Issue.record("no tokens came")
            return
        }
        let byText = try loaded.values(2, .embed([.text("hello")]))
        #expect(try loaded.values(3, .embed([.tokens(tokens)])) == byText)
    }

    @Test(arguments: [UInt32(1), 2, 3])
    func `every pooling gives another vector`(_ pooling: UInt32) throws {
        var encoder = TinyEncoder()
        encoder.poolingType = pooling
        let loaded = try Loaded(encoder.writer())
        #expect(loaded.facts.pooling == ["mean", "cls", "last"][Int(pooling) - 1])
        let mean = try Loaded(TinyEncoder().writer()).values(1, .embed([.text("a text")]))
        let vector = try loaded.values(1, .embed([.text("a text")]))
        #expect(vector[0]?.count == 96)
        #expect((vector == mean) == (pooling == 1))
    }

    @Test func `what cannot be read or done is refused`() throws {
        let loaded = try Loaded(TinyEncoder().writer()) { $0.contextLength = 64 }
        #expect(loaded.facts.contextLength == 64)
        let long = String(repeating: "z", count: 65)
        let alone = try loaded.events(2, .embed([.text(long)], isList: false)).last
        guard case .failed(let lone) = alone, case .textTooLong("input", _, _) = lone.kind else {
            Issue.record("no failure that names the only text: \(String(describing: alone))")
            return
        }
        let failure = try loaded.events(1, .embed([.text("a"), .text(long)])).last
        guard case .failed(let told)? = failure,
            case .textTooLong(let place, let count, 64) = told.kind
        else {
            Issue.record("the long text gave \(String(describing: failure))")
            return
        }
        #expect(place == "input[1]" && count >= 65)
        let wrong = GenerationFailure.Kind.invalidRequest(parameter: "model")
        try loaded.worker.send(.generate(WorkerTests.request(2, WorkerTests.chat)))
        #expect(try loaded.worker.events(2).failure?.kind == wrong)
        let scores = EmbeddingRequest.Work.rerank(query: "q", documents: ["a"])
        #expect(try loaded.events(3, scores).failure?.kind == wrong)
        let generator = try Loaded(TinyModel().writer())
        #expect(generator.facts.tasks == [.generate] && generator.facts.pooling == nil)
        #expect(try generator.events(1, .embed([.text("a")])).failure?.kind == wrong)
    }

    @Test func `a reranker scores each document beside the query`() throws {
        var encoder = TinyEncoder()
        encoder.poolingType = 4
        encoder.hasHead = true
        let loaded = try Loaded(encoder.writer())
        #expect(loaded.facts.tasks == [.rerank])
        let documents = ["one", "two", "three"]
        let scores = try loaded.values(1, .rerank(query: "which", documents: documents))
        #expect(scores.values.allSatisfy { $0.count == 1 && (0...1).contains($0[0]) })
        #expect(Set(scores.values.map { $0[0] }).count == 3)
        let alone = try loaded.values(2, .rerank(query: "which", documents: ["two"]))
        #expect(alone[0] == scores[1])
    }

    @Test func `a decoder's last token makes the vector, in chunks and from the cache alike`()
        throws
    {
        let loaded = try Loaded(Self.decoder)
        #expect(loaded.facts.tasks == [.embed] && loaded.facts.pooling == "last")
        let text = String(repeating: "a longer text ", count: 60)
        let first = try loaded.events(1, .embed([.text(text)]))
        let again = try loaded.events(2, .embed([.text(text), .text("short")]))
        #expect(first.usage?.cachedTokenCount == 0)
        #expect((again.usage?.cachedTokenCount ?? 0) > 100)
        let fresh = try Loaded(Self.decoder)
        let both = try fresh.values(1, .embed([.text(text), .text("short")]))
        for events in [first, again] {
            #expect(events.contains(.embedded(index: 0, both[0] ?? [])))
        }
    }

    @Test func `a cancelled embedding ends, and the next one is computed`() throws {
        let loaded = try Loaded(TinyEncoder().writer())
        let texts = (0..<2000).map { EmbeddingRequest.Input.text("text number \($0)") }
        try loaded.worker.send(
            .embed(EmbeddingRequest(id: 1, work: .embed(texts))),
            .cancel(id: 1)
        )
        guard case .finished(.cancelled, _)? = try loaded.worker.events(1).last else {
            Issue.record("the embedding was not cancelled")
            return
        }
        #expect(try loaded.values(2, .embed([.text("a")])).count == 1)
    }

    @Test func `counts the tokens of a conversation`() throws {
        let loaded = try Loaded(TinyModel().writer())
        try loaded.worker.send(.countTokens(id: 1, WorkerTests.chat))
        guard case .tokenCount(1, let count)? = try loaded.worker.next() else {
            Issue.record("no count came")
            return
        }
        var request = WorkerTests.request(2, WorkerTests.chat, limit: 1)
        request.maximumOutputTokens = 1
        try loaded.worker.send(.generate(request))
        #expect(try loaded.worker.events(2).usage?.promptTokenCount == count && count > 5)
    }
}
