/// What a worker knows about one of its adapters.
package struct AdapterFacts: Sendable, Hashable {
    /// What requests call it.
    package var name: String
    /// Bytes of its factors in memory.
    package var byteCount: Int
    /// The largest rank of its factors.
    package var rank: Int
    /// Why it cannot be used; nil if it can.
    package var problem: String?

    /// Makes facts.
    package init(name: String, byteCount: Int = 0, rank: Int = 0, problem: String? = nil) {
        self.name = name
        self.byteCount = byteCount
        self.rank = rank
        self.problem = problem
    }
}
