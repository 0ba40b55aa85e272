import CKernels
import Glibc

/// Log-probabilities of one position: natural logarithm of the softmax over the whole vocabulary.
///
/// They describe the model, not the sampler: the logits are taken before penalties, bias,
/// temperature and filters. That is what makes them comparable between requests and between
/// engines (perplexity, evaluation harnesses), what OpenAI's `logprobs` field is used for, and
/// what vLLM and llama-server answer by default.
package struct LogProbabilities: Sendable {
    /// The log-probability of the token that was asked for.
    package let token: Float
    /// The most likely tokens, likeliest first, equal ones by id.
    package let top: [(token: Int32, logprob: Float)]

    /// Computes the log-probability of one token and the most likely alternatives.
    ///
    /// - Parameters:
    ///   - token: An index into `logits`.
    ///   - logits: [V], unchanged.
    ///   - topCount: How many alternatives, 0...; at most V come.
    ///   - workspace: Made for the same vocabulary.
    /// - Throws: `nonFiniteLogits`.
    /// - Complexity: O(V + topCount * changes of the leading tokens).
    package init(
        of token: Int32,
        in logits: UnsafeBufferPointer<Float>,
        topCount: Int,
        workspace: SamplingWorkspace
    ) throws(SamplingError) {
        precondition(token >= 0 && Int(token) < logits.count, "the token is in the vocabulary")
        // Safety: `logits` has V elements for the time of the call, indices are below V.
        let count = Int32(logits.count)
        let summary = unsafe workspace.kernels.summarize(
            logits.baseAddress,
            count,
            nil,
            workspace.maxima.baseAddress
        )
        guard summary.is_finite else { throw .nonFiniteLogits }
        let sum = unsafe workspace.kernels.exponential_sum(
            logits.baseAddress,
            count,
            summary.maximum
        )
        let normalizer = Double(summary.maximum) + log(sum)
        func logprob(_ index: Int32) -> Float {
            unsafe min(0, Float(Double(logits[Int(index)]) - normalizer))
        }
        self.token = logprob(token)
        let wanted = min(max(0, topCount), logits.count)
        let leading = unsafe [Int32](unsafeUninitializedCapacity: wanted) {
            buffer,
            initializedCount in
            unsafe torii_logits_top(
                logits.baseAddress,
                count,
                Int32(wanted),
                buffer.baseAddress
            )
            initializedCount = wanted
        }
        top = leading.map { ($0, logprob($0)) }
    }
}
