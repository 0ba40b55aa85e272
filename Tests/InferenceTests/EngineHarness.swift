import Grammars
import Platform
import Scheduling
import Tokenizers
import WorkerProtocol

@testable import Inference

/// An engine over a pass, driven by hand with a clock that ticks once a step.
final class EngineHarness {
    let engine: Engine
    let pass: any ForwardPass
    private(set) var events: [UInt64: [GenerationEvent]] = [:]
    private var ticks: UInt64 = 0

    init(
        pass: any ForwardPass,
        tokenizer: Tokenizer,
        configuration: EngineConfiguration = EngineConfiguration(contextLength: 512, blockCount: 64)
    ) {
        self.pass = pass
        engine = Engine(
            configuration: configuration,
            tokenizer: tokenizer,
            vocabularySize: pass.vocabularySize
        )
    }

    private var now: MonotonicInstant { MonotonicInstant(nanoseconds: ticks * 1_000_000) }

    func submit(
        _ request: GenerationRequest,
        prompt: [Int32],
        constraint: TokenConstraint? = nil,
        answer: AnswerPlan? = nil
    ) {
        let generation = Generation(
            request: request,
            promptTokens: prompt,
            constraint: constraint,
            answer: answer
        )
        engine.submit(generation, now: now)
        collect()
    }

    func submit(
        _ texts: [[Int32]],
        id: UInt64,
        account: GenerationAccount = GenerationAccount(),
        queueTimeout: Duration? = nil
    ) {
        let request = EmbeddingRequest(
            id: id,
            work: .embed(texts.map { .tokens($0) }),
            account: account,
            queueTimeout: queueTimeout
        )
        submit(Embedding(request: request, texts: texts))
    }

    func submit(_ embedding: Embedding) {
        engine.submit(embedding, now: now)
        collect()
    }

    func advance(by ticks: UInt64) { self.ticks += ticks }

    func cancel(_ id: UInt64) {
        engine.cancel(id, now: now)
        collect()
    }

    /// Computes one step; false if there was none to compute.
    @discardableResult func step() -> Bool {
        guard let step = engine.beginStep(now: now) else { return false }
        for copy in step.copies { pass.copyBlock(from: copy.source, to: copy.destination) }
        pass.forward(step.batch)
        ticks += 1
        engine.completeStep(pass) { now }
        engine.scheduler.checkInvariants()
        collect()
        return true
    }

    func run() {
        while step() {}
    }

    private func collect() {
        for emission in engine.takeEmissions() {
            events[emission.id, default: []].append(emission.event)
        }
    }
}

extension EngineHarness {
    func text(_ id: UInt64) -> String {
        (events[id] ?? []).reduce(into: "") { text, event in
            if case .delta(let more, _) = event { text += more }
        }
    }

    /// The vectors that have come, by the number of the text.
    func vectors(_ id: UInt64) -> [Int: [Float]] {
        (events[id] ?? []).reduce(into: [:]) { vectors, event in
            if case .embedded(let index, let values) = event { vectors[index] = values }
        }
    }

    func logprobs(_ id: UInt64) -> [TokenLogprob] {
        (events[id] ?? []).flatMap { event -> [TokenLogprob] in
            if case .delta(_, let tokens) = event { tokens } else { [] }
        }
    }

    func finish(_ id: UInt64) -> (reason: FinishReason, usage: GenerationUsage)? {
        guard case .finished(let reason, let usage)? = events[id]?.last else { return nil }
        return (reason, usage)
    }

    func failure(_ id: UInt64) -> GenerationFailure.Kind? {
        guard case .failed(let failure)? = events[id]?.last else { return nil }
        return failure.kind
    }
}
