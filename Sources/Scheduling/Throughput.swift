/// How fast output comes of late, and how much of it to expect.
///
/// Pure; averages in which a step or an answer counts less with each that follows.
struct Throughput: Sendable {
    /// Seconds of the engine for one output token of any sequence.
    private(set) var secondsPerOutputToken = 0.01
    /// Tokens of an answer.
    private(set) var typicalOutputTokenCount = 128.0

    /// Says that a step gave some tokens.
    mutating func step(tokenCount: Int, seconds: Double) {
        guard tokenCount > 0 else { return }
        secondsPerOutputToken += 0.02 * (seconds / Double(tokenCount) - secondsPerOutputToken)
    }

    /// Says that an answer had some tokens.
    mutating func finish(outputTokenCount: Int) {
        typicalOutputTokenCount += 0.05 * (Double(outputTokenCount) - typicalOutputTokenCount)
    }
}
