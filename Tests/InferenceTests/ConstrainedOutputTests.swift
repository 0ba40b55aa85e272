import Glibc
import Grammars
import JSON
import Platform
import Sampling
import Scheduling
import TestSupport
import Testing
import Tokenizers
import WorkerProtocol

@testable import Inference

/// Outputs that follow a grammar, whatever the model wants to say.
@Suite(.timeLimit(.minutes(15))) struct ConstrainedOutputTests {
    private static let schema: JSONValue = [
        "type": "array", "minItems": 3, "maxItems": 6,
        "items": [
            "type": "object",
            "properties": [
                "name": ["type": "string", "maxLength": 12], "n": ["type": "integer"],
            ],
            "required": ["name", "n"],
        ],
    ]

    static func constraint(
        _ expression: GrammarExpression,
        _ tokenizer: Tokenizer
    ) throws -> TokenConstraint {
        let tokens = 0..<TokenID(tokenizer.vocabularySize)
        return try TokenConstraint(
            try Grammar(expression),
            vocabulary: GrammarVocabulary(
                tokens: tokens.map { tokenizer.bytes(of: $0) },
                controlTokens: Set(tokens.filter(tokenizer.isControl)),
                endTokens: tokenizer.endOfGenerationTokens
            )
        )
    }

    private static func request(_ id: UInt64, seed: UInt64 = 1) -> GenerationRequest {
        GenerationRequest(
            id: id,
            prompt: .tokens([]),
            sampling: SamplingParameters(temperature: 1.5, seed: seed),
            maximumOutputTokens: 250,
            topLogprobCount: 0
        )
    }

    /// Generates under the array schema, among others that are constrained or not.
    private static func run(
        _ limits: SchedulerLimits = SchedulerLimits(),
        others: UInt64 = 0,
        blockCount: Int = 256
    ) throws -> (texts: [String], logprobs: [TokenLogprob], status: WorkerStatus) {
        let tokenizer = try TinyTokenizer.make()
        let constraint = try constraint(.jsonSchema(schema, path: ""), tokenizer)
        let harness = EngineHarness(
            pass: FakePass.hashing(vocabularySize: EchoTests.size),
            tokenizer: tokenizer,
            configuration: EngineConfiguration(
                contextLength: 300,
                blockCount: blockCount,
                scheduler: limits
            )
        )
        harness.submit(request(1), prompt: [104, 105], constraint: constraint)
        for other in 0..<others {
            harness.submit(
                request(10 + other, seed: other),
                prompt: [Int32(other), 104],
                constraint: other % 2 == 0 ? constraint : nil
            )
        }
        harness.run()
        let constrained = [1] + (0..<others).filter { $0 % 2 == 0 }.map { 10 + $0 }
        for id in constrained where harness.finish(id)?.reason != .length {
            #expect(harness.finish(id)?.reason == .stop)
            let value = try JSONValue.parse(harness.text(id))
            #expect((3...6).contains(value.arrayValue?.count ?? 0))
            for element in value.arrayValue ?? [] {
                #expect(element.objectValue?.keys == ["name", "n"])
                #expect(element["n"]?.intValue != nil)
            }
        }
        #expect(harness.engine.isIdle)
        return (constrained.map(harness.text), harness.logprobs(1), harness.engine.status)
    }

    @Test func `an output follows its grammar, alone, among others, guessed and preempted`() throws
    {
        let alone = try Self.run()
        #expect(!alone.logprobs.isEmpty)
        let guessing = SchedulerLimits(runningCount: 3, guessesTokens: true)
        for (limits, others, blockCount) in [
            (SchedulerLimits(), 8, 256), (guessing, 0, 256), (guessing, 8, 256),
            (SchedulerLimits(reservedOutputTokenCount: 1), 8, 40),
        ] as [(SchedulerLimits, UInt64, Int)] {
            let run = try Self.run(limits, others: others, blockCount: blockCount)
            #expect(run.texts[0] == alone.texts[0])
            #expect(run.logprobs == alone.logprobs)
        }
    }

    @Test func `text that must come is computed several tokens at a time`() throws {
        // No three tokens come twice.
        let text = "0123456789-9876543210"
        var steps: [Int] = []
        for guesses in [false, true] {
            let tokenizer = try TinyTokenizer.make()
            let harness = EngineHarness(
                pass: FakePass.hashing(vocabularySize: EchoTests.size),
                tokenizer: tokenizer,
                configuration: EngineConfiguration(
                    contextLength: 300,
                    blockCount: 64,
                    scheduler: SchedulerLimits(guessesTokens: guesses)
                )
            )
            let constraint = try Self.constraint(.literal(text), tokenizer)
            // A step takes a tick, however many tokens it has: the long prompt shows it.
            let prompt = Array(repeating: Int32(104), count: 100)
            harness.submit(Self.request(1), prompt: prompt, constraint: constraint)
            harness.run()
            #expect(harness.text(1) == text)
            steps.append(harness.engine.status.stepTotal)
        }
        #expect(steps[1] < steps[0])
    }

    @Test func `masks are found while the forward pass runs`() throws {
        let tokenizer = try TinyTokenizer.make()
        let harness = EngineHarness(
            pass: FakePass.hashing(vocabularySize: EchoTests.size),
            tokenizer: tokenizer
        )
        let expression = GrammarExpression.jsonSchema(Self.schema, path: "")
        let constraint = try Self.constraint(expression, tokenizer)
        harness.submit(Self.request(1), prompt: [104], constraint: constraint)
        #expect(harness.engine.unpreparedOutputs.isEmpty)
        _ = harness.engine.beginStep(now: MonotonicInstant(nanoseconds: 0))
        let outputs = harness.engine.unpreparedOutputs
        #expect(outputs.count == 1)
        let thread = try MaskThread()
        thread.prepare(outputs)
        while !outputs.allSatisfy(\.isPrepared) { sched_yield() }
        #expect(harness.engine.unpreparedOutputs.isEmpty)
        thread.stop()
    }

    @Test func `log-probabilities are the model's own`() throws {
        let tokenizer = try TinyTokenizer.make()
        let pass = FakePass.saying([98], after: 1)
        let harness = EngineHarness(pass: pass, tokenizer: tokenizer)
        var request = Self.request(1)
        request.sampling.temperature = 0
        request.topLogprobCount = 1
        harness.submit(
            request,
            prompt: [104],
            constraint: try Self.constraint(.literal("a"), tokenizer)
        )
        harness.run()
        // The model is all but sure of "b".
        let logprob = try #require(harness.logprobs(1).first)
        #expect(harness.text(1) == "a")
        #expect((logprob.logprob ?? 0) < -9)
        #expect(logprob.top.first?.token == 98)
    }

    @Test func `an output ends where its grammar does, even when ends are ignored`() throws {
        let tokenizer = try TinyTokenizer.make()
        let end = TinyTokenizer.endToken
        for ignoresEnd in [false, true] {
            // The model would end after "ab", which the grammar allows, and so it does unless told
            // not to; after "abcd" nothing is left.
            let pass = FakePass.saying([97, 98, end, end, end], after: 1)
            let harness = EngineHarness(pass: pass, tokenizer: tokenizer)
            var request = Self.request(1)
            request.sampling.temperature = 0
            request.ignoresEndOfGeneration = ignoresEnd
            harness.submit(
                request,
                prompt: [104],
                constraint: try Self.constraint(.regex("ab(cd)?", path: ""), tokenizer)
            )
            harness.run()
            #expect(harness.text(1) == (ignoresEnd ? "abcd" : "ab"))
            #expect(harness.finish(1)?.reason == .stop)
            #expect(harness.finish(1)?.usage.outputTokenCount == (ignoresEnd ? 4 : 3))
        }
    }

    @Test func `the output limit cuts a constrained output too`() throws {
        let tokenizer = try TinyTokenizer.make()
        let harness = EngineHarness(
            pass: FakePass.hashing(vocabularySize: EchoTests.size),
            tokenizer: tokenizer
        )
        var request = Self.request(1)
        request.maximumOutputTokens = 3
        harness.submit(
            request,
            prompt: [104],
            constraint: try Self.constraint(.regex("[xyz]{20}", path: ""), tokenizer)
        )
        harness.run()
        #expect(harness.finish(1)?.reason == .length)
        #expect(harness.finish(1)?.usage.outputTokenCount == 3)
        #expect(harness.text(1).allSatisfy { "xyz".contains($0) })
    }
}
