/// What it takes to make a model resident: whether it fits, who would have to go, or what is missing.
///
/// The same plan is shown to operators and carried out.
package struct ResidencyPlan: Sendable, Hashable {
    /// What the plan comes to.
    package enum Outcome: Sendable, Hashable {
        /// There is room now.
        case fits
        /// There is room once the victims, all idle, are gone.
        case evict
        /// There will be room: models are leaving, or will be idle once their requests have ended.
        case wait
        /// There is room once others are gone, but that was not allowed.
        case evictionNotAllowed
        /// There is not enough even without every other model that may go.
        case neverFits
    }

    /// A model that would go.
    package struct Victim: Sendable, Hashable {
        /// The model's id.
        package let model: String
        /// Bytes that it would give back.
        package let byteCount: Int
        /// How long nobody has used it; zero while somebody does.
        package let idle: Duration
        /// How long it takes to load it again, as far as is known.
        package let reload: Duration
    }

    /// What the plan comes to.
    package let outcome: Outcome
    /// Bytes that the model takes.
    package let neededByteCount: Int
    /// The room at the moment.
    package let room: MemoryRoom
    /// Bytes that models which are leaving will give back.
    package let leavingByteCount: Int
    /// Who has to go: idle models with `evict`, also busy ones with `wait`; cheapest set.
    package let victims: [Victim]
    /// Bytes that are missing although all others would go; 0 unless the model never fits.
    package let missingByteCount: Int
}
