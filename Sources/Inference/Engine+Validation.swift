import Sampling
import Tokenizers
import WorkerProtocol

extension Engine {
    /// Checks what the gateway cannot know, and again what must hold for the engine's sake.
    ///
    /// - Returns: The most output tokens: what was asked for, within the context length.
    func validate(_ generation: Generation) throws(GenerationFailure) -> Int {
        guard configuration.task == .generate else {
            throw .wrongTask(.generate, of: configuration.task)
        }
        let request = generation.request
        if let violation = request.sampling.violation() {
            throw Self.invalid(violation.parameter, "\(violation.message).")
        }
        let ids = 0..<Int32(clamping: min(tokenizer.vocabularySize, vocabularySize))
        guard generation.promptTokens.allSatisfy(ids.contains) else {
            throw Self.invalid(
                "prompt",
                "A token id is outside the vocabulary of \(ids.upperBound)."
            )
        }
        guard request.sampling.logitBias.keys.allSatisfy(ids.contains) else {
            throw Self.invalid(
                "logit_bias",
                "A token id is outside the vocabulary of \(ids.upperBound)."
            )
        }
        try validateStopStrings(request.stopStrings)
        let topLogprobCounts = 0...GenerationRequest.maximumTopLogprobCount
        guard topLogprobCounts.contains(request.topLogprobCount ?? 0) else {
            throw Self.invalid("top_logprobs", "top_logprobs must be between 0 and 20.")
        }
        let promptTokenCount = generation.promptTokens.count
        guard promptTokenCount > 0 else {
            throw Self.invalid("prompt", "The prompt has no tokens.")
        }
        let wanted = max(0, request.maximumOutputTokens ?? .max)
        let room = configuration.contextLength - promptTokenCount
        guard room >= min(wanted, 1) else {
            throw GenerationFailure(
                kind: .contextLengthExceeded(
                    promptTokenCount: promptTokenCount,
                    contextLength: configuration.contextLength
                ),
                message: "This model's maximum context length is \(configuration.contextLength) "
                    + "tokens. However, your messages resulted in \(promptTokenCount) tokens."
            )
        }
        return min(wanted, room)
    }

    private func validateStopStrings(_ strings: [String]) throws(GenerationFailure) {
        guard strings.count <= configuration.maximumStopStringCount else {
            throw Self.invalid(
                "stop",
                "At most \(configuration.maximumStopStringCount) stop strings are allowed."
            )
        }
        let lengths = 1...configuration.maximumStopStringByteCount
        guard strings.allSatisfy({ lengths.contains($0.utf8.count) }) else {
            throw Self.invalid(
                "stop",
                "A stop string has 1 to \(lengths.upperBound) bytes."
            )
        }
    }

    private static func invalid(_ parameter: String, _ message: String) -> GenerationFailure {
        GenerationFailure(kind: .invalidRequest(parameter: parameter), message: message)
    }
}
