import JSON
import Platform
import Sampling
import TestSupport
import Testing
import WorkerProtocol

@testable import Worker

/// The worker as the gateway sees it: bytes on a socket.
@Suite(.timeLimit(.minutes(15)))
struct WorkerTests {
    static func withModel(
        _ change: (inout TinyModel) -> Void = { _ in },
        _ body: (String) throws -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        var model = TinyModel()
        change(&model)
        let path = directory.file("tiny.gguf")
        try model.writer().write(to: path)
        try body(path)
    }

    static func request(_ id: UInt64, _ prompt: Prompt, limit: Int = 5) -> GenerationRequest {
        GenerationRequest(
            id: id,
            prompt: prompt,
            sampling: SamplingParameters(seed: 1),
            maximumOutputTokens: limit,
            ignoresEndOfGeneration: true
        )
    }

    static let chat = Prompt.chat(ChatPrompt(messages: [["role": "user", "content": "hello"]]))

    @Test func `a constraint is followed, and one that cannot be is refused by its path`() throws {
        try Self.withModel { path in
            let worker = try WorkerConversation()
            _ = try worker.next()
            try worker.send(.load(WorkerLoadOptions(modelPath: path, threadCount: 1)))
            while let message = try worker.next() {
                if case .ready = message { break }
            }
            var request = Self.request(1, .text("hello"), limit: 50)
            for id: UInt64 in 1...3 {
                request.id = id
                request.constraint = .regex("(yes|no)!", path: "guided_regex")
                try worker.send(.generate(request))
                let text = try worker.events(id).reduce(into: "") { text, event in
                    if case .delta(let more, _) = event { text += more }
                }
                #expect(["yes!", "no!"].contains(text))
            }
            request.id = 4
            request.constraint = .jsonSchema(["type": "object", "not": [:]], path: "json_schema")
            try worker.send(.generate(request))
            guard case .failed(let failure)? = try worker.events(4).last else {
                Issue.record("a schema that cannot be enforced is refused")
                return
            }
            #expect(failure.kind == .invalidRequest(parameter: "json_schema.not"))
        }
    }

    @Test func `greets, loads, answers and ends with its socket`() throws {
        try Self.withModel { path in
            let worker = try WorkerConversation()
            let hello = try worker.next()
            #expect(hello == .hello(protocolVersion: WorkerProtocolVersion.current))
            try worker.send(.load(WorkerLoadOptions(modelPath: path, threadCount: 1)))
            var fractions: [Double] = []
            var facts: ModelFacts?
            while facts == nil, let message = try worker.next() {
                if case .loading(let fraction) = message { fractions.append(fraction) }
                if case .ready(let ready) = message { facts = ready }
            }
            #expect(fractions == fractions.sorted())
            #expect(fractions.last == 1)
            #expect(facts?.architecture == "llama")
            #expect(facts?.name == "Tiny")
            #expect(facts?.trainedContextLength == 1024)
            #expect(facts?.contextLength == 1024)
            #expect((facts?.kvCapacityTokens ?? 0) >= 1024)
            #expect((facts?.parameterCount ?? 0) > 100_000)
            #expect(facts?.vocabularySize == TinyVocabulary.tokens.count)

            try worker.send(.generate(Self.request(7, .text("hello in the system"))))
            let events = try worker.events(7)
            guard case .accepted? = events.first,
                case .started(let promptTokenCount, 0)? = events.dropFirst().first
            else {
                Issue.record("no start")
                return
            }
            #expect(events.usage?.promptTokenCount == promptTokenCount)
            #expect(events.usage?.outputTokenCount == 5)
            #expect(worker.end() == 0)
        }
    }

    @Test func `the same request gives the same answer alone and beside others`() throws {
        try Self.withModel { path in
            let (worker, _) = try WorkerConversation.loaded(path)
            try worker.send(.generate(Self.request(1, .text("the user"), limit: 20)))
            let alone = try worker.events(1)
            for id in 2...9 as ClosedRange<UInt64> {
                try worker.send(.generate(Self.request(id, .text("other \(id)"), limit: 30)))
            }
            try worker.send(.generate(Self.request(10, .text("the user"), limit: 20)))
            let among = try worker.events(10)
            #expect(among.text == alone.text)
            #expect(!alone.text.isEmpty)
            #expect(worker.end() == 0)
        }
    }

    @Test func `a cancelled generation ends early`() throws {
        try Self.withModel { path in
            let (worker, _) = try WorkerConversation.loaded(path)
            try worker.send(.generate(Self.request(1, .text("a"), limit: 1000)), .cancel(id: 1))
            let events = try worker.events(1)
            guard case .finished(.cancelled, let usage)? = events.last else {
                Issue.record("not cancelled: \(String(describing: events.last))")
                return
            }
            #expect(usage.outputTokenCount < 1000)
            #expect(worker.end() == 0)
        }
    }

    @Test func `what cannot be answered is an event with its kind`() throws {
        try Self.withModel { path in
            let (worker, facts) = try WorkerConversation.loaded(path) { $0.contextLength = 64 }
            #expect(facts.contextLength == 64)
            let long = String(repeating: "z ", count: 100)
            try worker.send(.generate(Self.request(1, .text(long))))
            guard case .contextLengthExceeded(let count, 64)? = try worker.events(1).failure?.kind
            else {
                Issue.record("no context error")
                return
            }
            #expect(count > 64)
            try worker.send(.generate(Self.request(2, .tokens([5, 100_000]))))
            #expect(
                try worker.events(2).failure?.kind == .invalidRequest(parameter: "prompt")
            )
            try worker.send(.generate(Self.request(3, .tokens([5]))))
            #expect(try worker.events(3).usage?.outputTokenCount == 5)
        }
    }

    @Test func `requests before the model is loaded are refused`() throws {
        let worker = try WorkerConversation()
        try worker.send(
            .generate(Self.request(1, .text("a"))),
            .tokenize(id: 2, text: "a", specialTokens: false, addsBeginningToken: false)
        )
        #expect(try worker.events(1).failure?.kind == .internalFailure)
        guard case .requestFailed(2, _)? = try worker.next() else {
            Issue.record("no refusal")
            return
        }
        #expect(worker.end() == 0)
    }

    @Test func `a model that cannot be loaded ends the worker with a reason`() throws {
        let worker = try WorkerConversation()
        #expect(try worker.next() != nil)
        try worker.send(.load(WorkerLoadOptions(modelPath: "/nowhere/model.gguf")))
        guard case .loadFailed(let message)? = try worker.next() else {
            Issue.record("no reason")
            return
        }
        #expect(message.contains("/nowhere/model.gguf"))
        #expect(try worker.next() == nil)
        #expect(worker.end() == 0)
    }

    @Test func `bytes that are no message end the worker`() throws {
        let worker = try WorkerConversation()
        worker.sendGarbage()
        while try worker.next() != nil {}
        #expect(worker.end() == 1)
    }

    @Test func `heartbeats come while it is idle and count what was done`() throws {
        try Self.withModel { path in
            let (worker, _) = try WorkerConversation.loaded(path)
            try worker.send(.generate(Self.request(1, .text("a"))))
            _ = try worker.events(1)
            let status = try worker.heartbeat()
            #expect(status?.outputTokenTotal == 5)
            #expect(status?.kvBlocksInUse == 0)
            #expect((status?.kvBlockCount ?? 0) > 0)
        }
    }

    @Test func `text goes to tokens and back`() throws {
        try Self.withModel { path in
            let (worker, _) = try WorkerConversation.loaded(path)
            let text = "hello <|im_start|> €"
            for specialTokens in [false, true] {
                try worker.send(
                    .tokenize(
                        id: 1,
                        text: text,
                        specialTokens: specialTokens,
                        addsBeginningToken: true
                    )
                )
                guard case .tokens(1, let tokens)? = try worker.next() else {
                    Issue.record("no tokens")
                    return
                }
                let marker = Int32(TinyVocabulary.tokens.count - 2)
                #expect(tokens.contains(marker) == specialTokens)
                try worker.send(.detokenize(id: 2, tokens: tokens))
                #expect(try worker.next() == .text(id: 2, text))
                try worker.send(.pieces(id: 2, tokens: tokens))
                guard case .pieces(2, let pieces)? = try worker.next() else {
                    Issue.record("no pieces")
                    return
                }
                #expect(pieces.count == tokens.count)
                #expect(Array(pieces.joined()) == Array(text.utf8))
            }
            try worker.send(.pieces(id: 3, tokens: [Int32.max]))
            guard case .requestFailed(3, _)? = try worker.next() else {
                Issue.record("no refusal")
                return
            }
            try worker.send(.detokenize(id: 3, tokens: [-1]))
            guard case .requestFailed(3, let failure)? = try worker.next() else {
                Issue.record("no refusal")
                return
            }
            #expect(failure.kind == .invalidRequest(parameter: "tokens"))
        }
    }
}
