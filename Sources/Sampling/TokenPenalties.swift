/// What one sequence's penalties and bias add to its logits, kept up to date token by token.
struct TokenPenalties: Sendable {
    private let parameters: SamplingParameters
    /// How often each token occurs in the output.
    private var outputCounts: [Int32: Int] = [:]
    /// The last `penaltyWindow` prompt and output tokens, as a ring.
    private var window: [Int32] = []
    private var windowStart = 0
    /// How often each token occurs in the window.
    private var windowCounts: [Int32: Int] = [:]
    /// Nil if repeated sequences cost nothing.
    private var sequences: SequencePenalty?

    init(
        parameters: SamplingParameters,
        prompt: some BidirectionalCollection<Int32>,
        bytes: @escaping @Sendable (Int32) -> [UInt8]
    ) {
        self.parameters = parameters
        if parameters.dry.multiplier > 0 {
            sequences = SequencePenalty(parameters: parameters.dry, prompt: prompt, bytes: bytes)
        }
        guard parameters.repetitionPenalty != 1 else { return }
        for token in prompt.suffix(parameters.penaltyWindow) { remember(token) }
    }

    /// Whether the logits stay as they are.
    var areNeutral: Bool {
        outputCounts.isEmpty && windowCounts.isEmpty && parameters.logitBias.isEmpty
            && sequences == nil
    }

    /// Takes a token of the output.
    mutating func accept(_ token: Int32) {
        if parameters.presencePenalty != 0 || parameters.frequencyPenalty != 0 {
            outputCounts[token, default: 0] += 1
        }
        if parameters.repetitionPenalty != 1 { remember(token) }
        sequences?.accept(token)
    }

    /// Changes the logits in place, in this order: repetition penalty, frequency and presence
    /// penalty, penalty of repeated sequences, bias.
    ///
    /// Each rule touches a token once, so the order of tokens does not matter.
    func apply(to logits: UnsafeMutableBufferPointer<Float>) {
        // Safety: every index is checked against the buffer by `change`.
        for token in windowCounts.keys {
            unsafe change(token, in: logits) {
                $0 > 0 ? $0 / parameters.repetitionPenalty : $0 * parameters.repetitionPenalty
            }
        }
        for (token, count) in outputCounts {
            unsafe change(token, in: logits) {
                $0 - Float(count) * parameters.frequencyPenalty - parameters.presencePenalty
            }
        }
        for (token, penalty) in sequences?.penalties() ?? [:] {
            unsafe change(token, in: logits) { $0 - penalty }
        }
        for (token, bias) in parameters.logitBias {
            unsafe change(token, in: logits) { $0 + bias }
        }
    }

    private func change(
        _ token: Int32,
        in logits: UnsafeMutableBufferPointer<Float>,
        _ body: (Float) -> Float
    ) {
        // Safety: the index is inside the buffer; ids outside the vocabulary have no effect.
        guard token >= 0, Int(token) < logits.count else { return }
        unsafe logits[Int(token)] = body(logits[Int(token)])
    }

    private mutating func remember(_ token: Int32) {
        guard parameters.penaltyWindow > 0 else { return }
        if window.count < parameters.penaltyWindow {
            window.append(token)
        } else {
            forget(window[windowStart])
            window[windowStart] = token
            windowStart = (windowStart + 1) % window.count
        }
        windowCounts[token, default: 0] += 1
    }

    private mutating func forget(_ token: Int32) {
        guard let count = windowCounts[token] else { return }
        windowCounts[token] = count > 1 ? count - 1 : nil
    }
}
