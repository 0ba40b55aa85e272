import Glibc
package import Platform
import Scheduling
import Tokenizers
import Transformers
import WorkerProtocol

// Vectors and scores: the texts of a request are sequences without output.
extension Engine {
    /// Takes an embedding; `accepted` or `failed` is emitted.
    package func submit(_ embedding: Embedding, now: MonotonicInstant) {
        precondition(plan == nil, "submissions come between steps")
        let id = embedding.request.id
        do throws(GenerationFailure) {
            try validate(embedding)
            guard embeddings[id] == nil, sequenceIDs[id] == nil else {
                throw GenerationFailure(
                    kind: .internalFailure,
                    message: "The request's id is in use."
                )
            }
            var state = EmbeddingState(embedding, now: now)
            emit(id, .accepted(try admit(state)))
            submitTexts(of: &state, now: now)
            embeddings[id] = state
        } catch {
            emit(id, .failed(error))
        }
    }

    /// Ends an embedding, if it is still there.
    func cancelEmbedding(_ id: UInt64, now: MonotonicInstant) {
        guard let state = embeddings[id] else { return }
        forget(state, now: now)
        emit(id, .finished(.cancelled, state.usage(now: now)))
    }

    private func validate(_ embedding: Embedding) throws(GenerationFailure) {
        let task = embedding.request.work.task
        guard let configuration = configuration.embedding, configuration.task == task else {
            throw .wrongTask(task, of: self.configuration.task)
        }
        let ids = 0..<Int32(clamping: min(tokenizer.vocabularySize, vocabularySize))
        let maximum = self.configuration.contextLength
        for (index, tokens) in embedding.texts.enumerated() {
            let parameter = Self.parameter(of: index, in: embedding.request.work)
            guard !tokens.isEmpty else {
                throw GenerationFailure(
                    kind: .invalidRequest(parameter: parameter),
                    message: "Invalid '\(parameter)': the text has no tokens."
                )
            }
            guard tokens.allSatisfy(ids.contains) else {
                throw GenerationFailure(
                    kind: .invalidRequest(parameter: parameter),
                    message: "Invalid '\(parameter)': a token id is outside the vocabulary of "
                        + "\(ids.upperBound); send text, or tokens of this model's own tokenizer."
                )
            }
            guard tokens.count <= maximum else {
                throw GenerationFailure(
                    kind: .textTooLong(
                        parameter: parameter,
                        tokenCount: tokens.count,
                        contextLength: maximum
                    ),
                    message: "This model's maximum context length is \(maximum) tokens. However, "
                        + "'\(parameter)' has \(tokens.count) tokens. Shorten it or split it into "
                        + "several texts."
                )
            }
        }
    }

    /// The member of the request that a text came from.
    private static func parameter(of index: Int, in work: EmbeddingRequest.Work) -> String {
        switch work {
        case .embed(_, let isList): isList ? "input[\(index)]" : "input"
        case .rerank: "documents[\(index)]"
        }
    }

    private func admit(_ state: EmbeddingState) throws(GenerationFailure) -> AdmissionState {
        do throws(Scheduler.Rejection) {
            return try scheduler.admit(state.request.account, tokenCount: state.tokenCount)
        } catch {
            throw Self.failure(error, promptTokenCount: state.tokenCount)
        }
    }

    // MARK: Texts

    /// Gives the scheduler texts as long as they fill the next steps.
    ///
    /// Of one request it knows some at a time; see ``EmbeddingConfiguration/submittedTextCount``.
    private func submitTexts(of state: inout EmbeddingState, now: MonotonicInstant) {
        guard let configuration = configuration.embedding else { return }
        let maximumTokenCount = 2 * self.configuration.scheduler.stepTokenCount
        while state.submitted.count < configuration.submittedTextCount,
            state.submittedTokenCount < maximumTokenCount, let text = state.takeText()
        {
            let id = nextSequenceID()
            let submission = SequenceSubmission(
                id: id,
                tokens: text.tokens,
                maximumTokenCount: text.tokens.count,
                account: state.request.account,
                // The first text is the first to start; it waits for all of them.
                queueTimeout: text.index == 0 ? state.request.queueTimeout : nil,
                // What the cache gives has no hidden states to pool.
                usesCache: configuration.pooling.readsEndOnly,
                isWhole: configuration.isEncoder,
                endRowCount: configuration.pooling == .mean ? text.tokens.count : 1,
                weights: state.embedding.adapter?.number ?? 0,
                isMember: true
            )
            do throws(Scheduler.Rejection) {
                _ = try scheduler.submit(submission, now: now)
            } catch {
                preconditionFailure("a text within the context length has blocks")
            }
            state.submitted.insert(id)
            state.submittedTokenCount += text.tokens.count
            texts[id] = EmbeddedText(
                request: state.request.id,
                index: text.index,
                tokenCount: text.tokens.count,
                adapter: state.embedding.adapter,
                pool: HiddenStatePool(configuration)
            )
        }
    }

    /// Notes that texts compute for the first time; the first of a request starts it.
    func startText(_ start: StepPlan.Start, now: MonotonicInstant) {
        guard let id = texts[start.id]?.request, var state = embeddings.removeValue(forKey: id)
        else { return }
        if !state.hasStarted {
            state.start(now: now)
            emit(id, .started(promptTokenCount: state.tokenCount, cachedTokenCount: 0))
        }
        state.cachedTokenCount += start.cachedTokenCount
        embeddings[id] = state
    }

    /// Pools the hidden states of a step's texts; those that are complete leave.
    ///
    /// - Parameters:
    ///   - plan: What was computed.
    ///   - rows: The output rows of each entry.
    ///   - pass: Computed it.
    ///   - now: The time.
    func completeTexts(
        of plan: StepPlan,
        rows: [Range<Int>],
        _ pass: some ForwardPass,
        now: MonotonicInstant
    ) {
        var changed: Set<UInt64> = []
        for (entry, rows) in zip(plan.entries, rows) {
            guard var text = texts.removeValue(forKey: entry.id) else { continue }
            if entry.part == nil || entry.reachesEnd {
                totals.promptTokenTotal += entry.tokens.count
            }
            // A decoder's text that had to give up its blocks begins again.
            if entry.firstPosition == 0 { text.pool.removeAll() }
            // Safety: the row is read before the next forward pass.
            for row in rows { unsafe text.pool.add(pass.hiddenState(row: row)) }
            guard entry.reachesEnd else {
                texts[entry.id] = text
                continue
            }
            changed.insert(text.request)
            totals.cachedTokenTotal += scheduler.cachedTokenCount(of: entry.id)
            if configuration.embedding?.isEncoder == false {
                totals.lookedUpTokenTotal += text.tokenCount
            }
            scheduler.finish(entry.id, now: now)
            embeddings[text.request]?.submitted.remove(entry.id)
            embeddings[text.request]?.submittedTokenCount -= text.tokenCount
            deliver(text, pass, now: now)
        }
        for id in changed.sorted() { goOn(id, now: now) }
    }

    private func deliver(_ text: EmbeddedText, _ pass: some ForwardPass, now: MonotonicInstant) {
        guard let state = embeddings[text.request], let task = configuration.embedding?.task
        else { return }
        let vector = pass.applyHead(to: text.pool.vector)
        let values: [Float]? =
            switch task {
            case .rerank: vector.first.flatMap { Self.score($0) }.map { [$0] }
            case .embed, .generate: HiddenStatePool.normalised(vector)
            }
        if let values, !values.isEmpty {
            emit(text.request, .embedded(index: text.index, values))
        } else {
            forget(state, now: now)
            emit(
                text.request,
                .failed(
                    GenerationFailure(
                        kind: .nonFiniteLogits,
                        message: "The model computed a value that is not a number; "
                            + "its file may be damaged."
                    )
                )
            )
        }
    }

    /// The logistic function: from a head's output to 0...1.
    private static func score(_ output: Float) -> Float? {
        output.isFinite ? Float(1 / (1 + exp(-Double(output)))) : nil
    }

    /// Submits more texts of a request, or ends it when all are done.
    private func goOn(_ id: UInt64, now: MonotonicInstant) {
        guard var state = embeddings.removeValue(forKey: id) else { return }
        submitTexts(of: &state, now: now)
        embeddings[id] = state
        guard state.isComplete else { return }
        forget(state, now: now)
        emit(id, .finished(.stop, state.usage(now: now)))
    }

    /// Takes everything of a request out of the engine.
    private func forget(_ state: EmbeddingState, now: MonotonicInstant) {
        for id in state.submitted {
            scheduler.finish(id, now: now)
            texts[id] = nil
        }
        scheduler.dismiss(
            state.request.account,
            tokenCount: state.tokenCount,
            unsubmittedTokenCount: state.unsubmittedTokenCount
        )
        embeddings[state.request.id] = nil
    }

    /// Ends the request of a text that waited too long.
    func timeOutText(_ id: SequenceID, now: MonotonicInstant) {
        guard let request = texts[id]?.request, var state = embeddings[request] else { return }
        // The scheduler has forgotten it already.
        texts[id] = nil
        state.submitted.remove(id)
        forget(state, now: now)
        let admission = scheduler.admissionState(of: state.request.account.key)
        emit(request, .failed(Self.queueTimeout(admission)))
    }
}
