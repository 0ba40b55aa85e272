/// Why no token can be chosen.
package enum SamplingError: Error, Sendable, Hashable {
    /// The model computed a NaN or an infinity.
    case nonFiniteLogits
}
