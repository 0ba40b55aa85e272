import Platform
import Sampling
import Scheduling
import Tokenizers
import WorkerProtocol

// Safety: one thread at a time uses a choice: the engine's makes it, hands it to one of the pass's
// threads, and waits until that is done.
/// The choice of the tokens that follow one entry of a step: from logits to tokens and text.
///
/// It touches nothing but its own sequence, so that the entries of a step can be chosen for on
/// several threads at once, in any order, with the same results.
@safe
final class TokenChoice: @unchecked Sendable {
    /// How a sequence ends.
    enum End {
        case finished(FinishReason)
        case failed(GenerationFailure)
    }

    /// What a choice needs besides.
    struct Tools: Sendable {
        let tokenizer: Tokenizer
        /// Of the thread that chooses.
        let workspace: SamplingWorkspace
        let now: MonotonicInstant
        /// The most tokens guessed at a time; 0: none.
        let guessedTokenCount: Int
    }

    /// Whose tokens; taken out of the engine for the time of the choice.
    var sequence: SequenceState
    let entry: StepPlan.Entry
    /// `[rows][V]`, of the entry's last tokens; valid until the next forward pass.
    let logits: [UnsafeBufferPointer<Float>]
    /// The tokens that follow: one, and another for each guess that was right.
    private(set) var tokens: [Int32] = []
    /// Tokens that the grammar makes likely after those.
    private(set) var expected: [Int32] = []
    /// Whether it is the end.
    private(set) var end: End?

    init(sequence: SequenceState, entry: StepPlan.Entry, logits: [UnsafeBufferPointer<Float>]) {
        self.sequence = sequence
        self.entry = entry
        unsafe self.logits = unsafe logits
    }

    /// Chooses.
    ///
    /// A guess is right if it is what would have been chosen without it, so guesses never change
    /// an output.
    func choose(_ tools: Tools) {
        do throws(GenerationFailure) {
            try echoPrompt(tools)
            guard entry.reachesEnd else { return }
            if sequence.maximumOutputTokenCount == 0 {
                end = .finished(.length)
                return
            }
            let knownCount = entry.tokens.count - entry.guessedTokenCount
            for guess in 0...entry.guessedTokenCount {
                let row = unsafe logits.count - 1 - entry.guessedTokenCount + guess
                let (token, reason) = try sampleToken(row: row, tools)
                tokens.append(token)
                end = reason.map { .finished($0) }
                guard reason == nil, guess < entry.guessedTokenCount,
                    entry.tokens[knownCount + guess] == token
                else { break }
            }
            guard end == nil else { return }
            expected =
                sequence.constraint?.forcedTokens(maximum: tools.guessedTokenCount) ?? []
        } catch {
            end = .failed(error)
        }
    }

    /// Chooses the next token, and says why the output ends with it, if it does.
    private func sampleToken(
        row: Int,
        _ tools: Tools
    ) throws(GenerationFailure) -> (token: Int32, end: FinishReason?) {
        let ignoresEnd = sequence.request.ignoresEndOfGeneration
        let isLongEnough = sequence.outputTokenCount >= sequence.request.minimumOutputTokens
        var allowed = try sequence.constraint?.allowedTokens(mayEnd: !ignoresEnd && isLongEnough)
        if allowed == nil, !isLongEnough { allowed = Self.tokensThatGoOn(tools.tokenizer) }
        // Safety: the row's logits are valid until the next forward pass.
        let logits = unsafe logits[row]
        let token: Int32
        if let forced = sequence.takeForcedToken(), Self.isAllowed(forced, allowed) {
            token = forced
        } else {
            do throws(SamplingError) {
                token = unsafe try sequence.sampler.sample(
                    logits,
                    position: sequence.tokens.count,
                    allowed: allowed,
                    workspace: tools.workspace
                )
            } catch {
                throw Self.failure(error)
            }
        }
        sequence.appendOutput(token, now: tools.now)
        try sequence.constraint?.accept(token)
        let isExhausted = sequence.constraint?.isExhausted ?? false
        let tokenizer = tools.tokenizer
        let endsGeneration = tokenizer.endOfGenerationTokens.contains(token)
        // Behind the end of a grammar there is nothing to go on with.
        if endsGeneration, !ignoresEnd || isExhausted { return (token, .stop) }
        let logprob = unsafe try logprob(of: token, in: logits, tools)
        // Logits beyond the tokenizer's tokens exist in files with a padded vocabulary; such a
        // token counts, but has no text.
        if Int(token) < tokenizer.vocabularySize, sequence.output.append(token, logprob: logprob) {
            return (token, .stop)
        }
        if isExhausted { return (token, .stop) }
        let isLast = sequence.outputTokenCount >= sequence.maximumOutputTokenCount
        return (token, isLast ? .length : nil)
    }

    /// A mask of all tokens that do not end the output.
    private static func tokensThatGoOn(_ tokenizer: Tokenizer) -> [UInt64] {
        let wordCount = (tokenizer.vocabularySize + UInt64.bitWidth - 1) / UInt64.bitWidth
        var mask = [UInt64](repeating: .max, count: wordCount)
        for token in tokenizer.endOfGenerationTokens {
            mask[Int(token) / UInt64.bitWidth] &= ~(1 << UInt64(Int(token) % UInt64.bitWidth))
        }
        return mask
    }

    /// Whether a mask, if there is one, has a token.
    private static func isAllowed(_ token: Int32, _ mask: [UInt64]?) -> Bool {
        guard let mask else { return true }
        let word = Int(token) / UInt64.bitWidth
        return word < mask.count && mask[word] >> UInt64(Int(token) % UInt64.bitWidth) & 1 == 1
    }

    private func echoPrompt(_ tools: Tools) throws(GenerationFailure) {
        guard sequence.hasPromptLogprobsToEcho else { return }
        if sequence.echoedTokenCount == 0 {
            let first = sequence.tokens[0]
            let bytes = tools.tokenizer.bytes(of: first)
            sequence.output.echo(
                first,
                logprob: TokenLogprob(token: first, bytes: bytes, logprob: nil)
            )
            sequence.echoedTokenCount = 1
        }
        for offset in unsafe logits.indices {
            // The logits of a position are about the token at the next.
            let position = entry.firstPosition + offset + 1
            guard position >= sequence.echoedTokenCount, position < sequence.promptTokenCount
            else { continue }
            let token = sequence.tokens[position]
            let logprob = unsafe try logprob(of: token, in: logits[offset], tools)
            sequence.output.echo(token, logprob: logprob)
            sequence.echoedTokenCount = position + 1
        }
    }

    private static func failure(_ error: SamplingError) -> GenerationFailure {
        switch error {
        case .nonFiniteLogits:
            GenerationFailure(
                kind: .nonFiniteLogits,
                message: "The model computed a value that is not a number; "
                    + "its file may be damaged."
            )
        }
    }

    /// The log-probability of a token as the model gives it: before penalties, biases, and what a
    /// grammar forbids.
    private func logprob(
        of token: Int32,
        in logits: UnsafeBufferPointer<Float>,
        _ tools: Tools
    ) throws(GenerationFailure) -> TokenLogprob? {
        guard let topCount = sequence.request.topLogprobCount else { return nil }
        let values: LogProbabilities
        do throws(SamplingError) {
            values = unsafe try LogProbabilities(
                of: token,
                in: logits,
                topCount: topCount,
                workspace: tools.workspace
            )
        } catch {
            throw Self.failure(error)
        }
        func bytes(_ token: Int32) -> [UInt8] {
            Int(token) < tools.tokenizer.vocabularySize ? tools.tokenizer.bytes(of: token) : []
        }
        return TokenLogprob(
            token: token,
            bytes: bytes(token),
            logprob: values.token,
            top: values.top.map {
                TokenAlternative(token: $0.token, bytes: bytes($0.token), logprob: $0.logprob)
            }
        )
    }
}
