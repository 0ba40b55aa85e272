import Platform
import Sampling
import Scheduling
import Tokenizers
import WorkerProtocol

// From logits to tokens and text.
extension Engine {
    /// What was chosen after an entry's tokens, and whether it is the end.
    struct Choice {
        var tokens: [Int32] = []
        var end: End?
    }

    /// Chooses the tokens that follow an entry: one, and another for each guess that was right.
    ///
    /// A guess is right if it is what would have been chosen without it, so guesses never change
    /// an output.
    func choose(
        for sequence: inout SequenceState,
        _ entry: StepPlan.Entry,
        rows: Range<Int>,
        of pass: some ForwardPass,
        now: MonotonicInstant
    ) -> Choice {
        let knownCount = entry.tokens.count - entry.guessedTokenCount
        let promptEnd = min(sequence.promptTokenCount, entry.firstPosition + knownCount)
        totals.promptTokenTotal += max(0, promptEnd - entry.firstPosition)
        totals.draftTokenTotal += entry.guessedTokenCount
        var choice = Choice()
        do throws(SamplingError) {
            try echoPrompt(&sequence, entry, rows: rows, of: pass)
            guard entry.reachesEnd else { return choice }
            if sequence.maximumOutputTokenCount == 0 {
                choice.end = .finished(.length)
                return choice
            }
            for guess in 0...entry.guessedTokenCount {
                let row = rows.upperBound - 1 - entry.guessedTokenCount + guess
                let (token, reason) = try sampleToken(&sequence, row: row, of: pass, now: now)
                choice.tokens.append(token)
                choice.end = reason.map { .finished($0) }
                guard reason == nil, guess < entry.guessedTokenCount,
                    entry.tokens[knownCount + guess] == token
                else { break }
                totals.acceptedDraftTokenTotal += 1
            }
        } catch {
            switch error {
            case .nonFiniteLogits:
                choice.end = .failed(
                    GenerationFailure(
                        kind: .nonFiniteLogits,
                        message: "The model computed a value that is not a number; "
                            + "its file may be damaged."
                    )
                )
            }
        }
        return choice
    }

    /// Chooses the next token, and says why the output ends with it, if it does.
    private func sampleToken(
        _ sequence: inout SequenceState,
        row: Int,
        of pass: some ForwardPass,
        now: MonotonicInstant
    ) throws(SamplingError) -> (token: Int32, end: FinishReason?) {
        // Safety: the row's logits are valid until the next forward pass.
        let logits = unsafe pass.logits(row: row)
        let token = unsafe try sequence.sampler.sample(
            logits,
            position: sequence.tokens.count,
            workspace: workspace
        )
        sequence.appendOutput(token, now: now)
        totals.outputTokenTotal += 1
        let endsGeneration = tokenizer.endOfGenerationTokens.contains(token)
        if endsGeneration, !sequence.request.ignoresEndOfGeneration {
            return (token, .stop)
        }
        let logprob = unsafe try logprob(of: token, in: logits, for: sequence.request)
        // Logits beyond the tokenizer's tokens exist in files with a padded vocabulary; such a
        // token counts, but has no text.
        if Int(token) < tokenizer.vocabularySize, sequence.output.append(token, logprob: logprob) {
            return (token, .stop)
        }
        let isLast = sequence.outputTokenCount >= sequence.maximumOutputTokenCount
        return (token, isLast ? .length : nil)
    }

    private func echoPrompt(
        _ sequence: inout SequenceState,
        _ entry: StepPlan.Entry,
        rows: Range<Int>,
        of pass: some ForwardPass
    ) throws(SamplingError) {
        guard sequence.hasPromptLogprobsToEcho else { return }
        if sequence.echoedTokenCount == 0 {
            let first = sequence.tokens[0]
            sequence.output.echo(
                first,
                logprob: TokenLogprob(
                    token: first,
                    bytes: tokenizer.bytes(of: first),
                    logprob: nil
                )
            )
            sequence.echoedTokenCount = 1
        }
        for (offset, row) in rows.enumerated() {
            // The logits of a position are about the token at the next.
            let position = entry.firstPosition + offset + 1
            guard position >= sequence.echoedTokenCount, position < sequence.promptTokenCount
            else { continue }
            let token = sequence.tokens[position]
            // Safety: the row's logits are valid until the next forward pass.
            let logprob = unsafe try logprob(
                of: token,
                in: pass.logits(row: row),
                for: sequence.request
            )
            sequence.output.echo(token, logprob: logprob)
            sequence.echoedTokenCount = position + 1
        }
    }

    private func logprob(
        of token: Int32,
        in logits: UnsafeBufferPointer<Float>,
        for request: GenerationRequest
    ) throws(SamplingError) -> TokenLogprob? {
        guard let topCount = request.topLogprobCount else { return nil }
        let values = unsafe try LogProbabilities(
            of: token,
            in: logits,
            topCount: topCount,
            workspace: workspace
        )
        return TokenLogprob(
            token: token,
            bytes: bytes(of: token),
            logprob: values.token,
            top: values.top.map {
                TokenAlternative(token: $0.token, bytes: bytes(of: $0.token), logprob: $0.logprob)
            }
        )
    }

    private func bytes(of token: Int32) -> [UInt8] {
        Int(token) < tokenizer.vocabularySize ? tokenizer.bytes(of: token) : []
    }
}
