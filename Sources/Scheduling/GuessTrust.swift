/// How often guesses of one kind proved right, of late.
struct GuessTrust: Sendable {
    /// The share of guessed tokens that were right.
    private(set) var acceptance: Double

    init(acceptance: Double) { self.acceptance = acceptance }

    /// Learns from a guess: the tokens before the first wrong one were right.
    mutating func learn(guessed: Int, right: Int) {
        let rate = 0.15
        for _ in 0..<right { acceptance += rate * (1 - acceptance) }
        if right < guessed { acceptance -= rate * acceptance }
    }

    /// Trusts a little more after a step without a guess, so that guesses are tried again.
    mutating func recover() { acceptance += 0.01 * max(0, 0.5 - acceptance) }
}
