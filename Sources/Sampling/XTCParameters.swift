/// Leaves out the likeliest tokens now and then ("exclude top choices").
///
/// When several tokens are at least as likely as the threshold, all of them but the least likely one
/// are out. The rule and its defaults are llama-server's.
package struct XTCParameters: Sendable, Hashable {
    /// How often the rule applies, 0...1; 0 is off.
    package var probability: Float
    /// The probability from which a token is a top choice, 0...1; above 0.5 there is never more than
    /// one.
    package var threshold: Float

    /// Makes parameters; everything left out has llama-server's default, which is off.
    package init(probability: Float = 0, threshold: Float = 0.1) {
        self.probability = probability
        self.threshold = threshold
    }
}
