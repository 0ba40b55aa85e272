/// On whose behalf a generation runs: who is charged for its compute, and how urgent it is.
///
/// The names are opaque to the worker. Compute is shared between keys first, in proportion to their
/// weights, then between the users of one key.
package struct GenerationAccount: Sendable, Hashable {
    /// The API key's name, or one name for all requests where keys are not asked for.
    package var key: String
    /// The end user behind the key, as the client names one; empty when it names none.
    package var user: String
    /// The key's share of compute beside other keys, above 0; 1 is the normal share.
    package var weight: Float
    /// Which generations come first.
    package var priority: PriorityClass
    /// Computed prefixes are shared only between generations of the same namespace; empty is the one
    /// that keys share unless they are private.
    package var cacheNamespace: String

    /// Makes an account; everything left out is what a request without a key has.
    package init(
        key: String = "",
        user: String = "",
        weight: Float = 1,
        priority: PriorityClass = .normal,
        cacheNamespace: String = ""
    ) {
        self.key = key
        self.user = user
        self.weight = weight
        self.priority = priority
        self.cacheNamespace = cacheNamespace
    }
}

/// How urgent a generation is; a lower raw value comes first.
package enum PriorityClass: UInt8, Sendable, Hashable, Comparable, CaseIterable {
    /// Somebody watches the answer grow.
    case interactive
    /// What says nothing else.
    case normal
    /// Work that takes what the others leave.
    case batch

    package static func < (first: PriorityClass, second: PriorityClass) -> Bool {
        first.rawValue < second.rawValue
    }
}
