/// Penalises tokens that would go on with a sequence that occurred before ("don't repeat yourself").
///
/// A token that followed an earlier occurrence of the last n tokens loses
/// `multiplier · base^(n - allowedLength)` from its logit, for the largest such n from
/// `allowedLength` up. The rule and its defaults are llama-server's.
package struct DRYParameters: Sendable, Hashable {
    /// Scales the penalty, 0...100; 0 is off.
    package var multiplier: Float
    /// How fast the penalty grows with the length of what is repeated, 1...100.
    package var base: Float
    /// Shorter repetitions cost nothing, 0....
    package var allowedLength: Int
    /// How many of the last prompt and output tokens are looked at, 0....
    package var window: Int
    /// Texts over which no repetition reaches, so that names and marks of a dialogue may recur.
    package var sequenceBreakers: [String]

    /// Makes parameters; everything left out has llama-server's default, which is off.
    package init(
        multiplier: Float = 0,
        base: Float = 1.75,
        allowedLength: Int = 2,
        window: Int = Int(Int32.max),
        sequenceBreakers: [String] = ["\n", ":", "\"", "*"]
    ) {
        self.multiplier = multiplier
        self.base = base
        self.allowedLength = allowedLength
        self.window = window
        self.sequenceBreakers = sequenceBreakers
    }

    /// The most sequence breakers: 32.
    package static let maximumBreakerCount = 32
    /// The longest sequence breaker, in bytes of UTF-8: 64.
    package static let maximumBreakerByteCount = 64
}
